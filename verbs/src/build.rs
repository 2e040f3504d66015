//! `build`: the bitstream of a compiled directory, with open tools.

use crate::error::VerbError;
use crate::observer::Observer;
use flow::artifacts::{self, Sources, Trust};
use flow::build::{Build, Built, Event, Tools};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

/// What to build.
#[derive(Clone, Debug)]
pub struct Options {
    /// A directory that was compiled for a board.
    pub folder: PathBuf,
    /// Placements to try at most.
    pub seeds: u32,
    /// Where to look for tools.
    pub tools: Tools,
    /// Whether files of the directory are executed as they lie.
    pub trust: Trust,
}

/// Makes the bitstream of a directory; `notify` is called at each stage. Once `stop` is true, the build ends
/// and with it the tool that runs.
///
/// # Errors
/// Where the directory is none or for no board or was edited, a tool is missing or fails, the design does not fit or is too
/// slow, or the build was stopped.
pub fn build(
    options: &Options,
    stop: &AtomicBool,
    observer: &dyn Observer,
    notify: impl FnMut(Event),
) -> Result<Built, VerbError> {
    let Options { folder, seeds, tools, trust } = options;
    let sources = Sources::of(&artifacts::read(folder)?, folder, *trust)?;
    if let Some(note) = sources.other_version() {
        observer.other_version(note);
    }
    Ok(Build::new(sources, folder)?.run(tools, *seeds, stop, notify)?)
}
