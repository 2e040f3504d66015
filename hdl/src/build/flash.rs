//! Loading a bitstream into a board, with openFPGALoader.

use super::{BuildError, Tools};
use crate::artifacts::Compiled;
use crate::board::Board;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A board about to be loaded.
#[derive(Clone, Debug)]
pub struct Flash {
    board: Board,
    bitstream: PathBuf,
}

impl Flash {
    /// The loading of what was built in the compiled directory `folder`.
    ///
    /// # Errors
    /// Where the directory was compiled for no board, or holds no bitstream.
    pub fn new(compiled: &Compiled, folder: &Path) -> Result<Self, BuildError> {
        let device = compiled.manifest.device.as_ref();
        let device = device.ok_or_else(|| BuildError::NoBoard { folder: folder.to_owned() })?;
        let board = Board::find(&device.board)?;
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
        let board = &self.board.facts.programmer.board;
        vec!["openFPGALoader".into(), "-b".into(), board.clone(), self.bitstream.display().to_string()]
    }

    /// Runs the command; what it says goes where this program's goes.
    ///
    /// # Errors
    /// Where openFPGALoader is missing or fails, as it does without a board.
    pub fn run(&self, tools: &Tools) -> Result<(), BuildError> {
        let program = tools.programmer()?;
        let mut command = Command::new(&program);
        command.arg("-b").arg(&self.board.facts.programmer.board).arg(&self.bitstream);
        let status =
            command.status().map_err(|source| BuildError::File { action: "run", path: program.clone(), source })?;
        if status.success() {
            return Ok(());
        }
        let (board, note) = (self.board.name.clone(), self.note().to_owned());
        Err(BuildError::Programmer { board, status: status.to_string(), note })
    }
}
