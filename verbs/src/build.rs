//! `build`: the bitstream of a compiled directory, with open tools.

use crate::error::VerbError;
use flow::artifacts;
use flow::build::{Build, Built, Event, Tools};
use std::path::PathBuf;

/// What to build.
#[derive(Clone, Debug)]
pub struct Options {
    /// A directory that was compiled for a board.
    pub folder: PathBuf,
    /// Placements to try at most.
    pub seeds: u32,
    /// Where to look for tools.
    pub tools: Tools,
}

/// Makes the bitstream of a directory; `report` is called at each stage.
///
/// # Errors
/// Where the directory is none or for no board, a tool is missing or fails, or the design does not fit or is too slow.
pub fn build(options: &Options, report: impl FnMut(Event)) -> Result<Built, VerbError> {
    let compiled = artifacts::read(&options.folder)?;
    Ok(Build::new(&compiled, &options.folder)?.run(&options.tools, options.seeds, report)?)
}
