//! Loading a bitstream into a board, with openFPGALoader.

use super::run::device_and_board;
use super::{BuildError, Tools};
use crate::board::Board;
use abi::manifest::Manifest;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A board about to be loaded.
#[derive(Clone, Debug)]
pub struct Flash {
    board: Board,
    bitstream: PathBuf,
}

impl Flash {
    /// The loading of what was built in the directory `folder`, which says `manifest` of itself.
    ///
    /// # Errors
    /// Where the directory was compiled for no board, or holds no bitstream.
    pub fn new(manifest: &Manifest, folder: &Path) -> Result<Self, BuildError> {
        let (_, board) = device_and_board(manifest, folder)?;
        let family = board.facts.fpga.family;
        let Some(name) = family.bitstream() else {
            return Err(BuildError::SynthesisOnly {
                board: board.name,
                family: family.name(),
                pins: family.pin_file(),
            });
        };
        let bitstream = folder.join("build").join(name);
        if !bitstream.is_file() {
            return Err(BuildError::NoBitstream { path: bitstream, folder: folder.to_owned() });
        }
        Ok(Flash { board, bitstream })
    }

    /// Where the bitstream goes, and what must be done before.
    pub fn note(&self) -> &str {
        &self.board.facts.programmer.note
    }

    /// The command: openFPGALoader by that name, then its arguments.
    pub fn command(&self) -> Vec<String> {
        let arguments = self.arguments().map(|argument| argument.to_string_lossy().into_owned());
        std::iter::once("openFPGALoader".to_owned()).chain(arguments).collect()
    }

    fn arguments(&self) -> [&OsStr; 3] {
        ["-b".as_ref(), self.board.facts.programmer.board.as_ref(), self.bitstream.as_os_str()]
    }

    /// Runs the command; what it says goes where this program's goes.
    ///
    /// # Errors
    /// Where openFPGALoader is missing or fails, as it does without a board.
    pub fn run(&self, tools: &Tools) -> Result<(), BuildError> {
        let program = tools.programmer()?;
        let status = Command::new(&program).args(self.arguments()).status().map_err(|source| BuildError::File {
            action: "run",
            path: program.clone(),
            source,
        })?;
        if status.success() {
            return Ok(());
        }
        let (board, note) = (self.board.name.clone(), self.note().to_owned());
        Err(BuildError::Programmer { board, status: status.to_string(), note })
    }
}
