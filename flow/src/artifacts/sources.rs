//! What tools execute of a directory.
//!
//! Verilog, a script of yosys or a netlist can run any program, and whoever gives a directory away can write its hashes as
//! well. So nothing that lies there is executed: the texts are made again from the plan, which is data and was validated.

use super::check::check_files;
use super::generate::{Generated, generate};
use super::{ArtifactsError, Compiled, file_error, lay, sums};
use crate::board::Board;
use crate::regular;
use abi::manifest::Manifest;
use miette::Diagnostic;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use thiserror::Error;

/// Whether files of a directory are executed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// What its plan gives is, whatever lies there.
    #[default]
    Plan,
    /// They are, as they lie.
    Files,
}

/// The files of a directory that tools are given.
#[derive(Clone, Debug)]
pub struct Sources {
    compiled: Compiled,
    /// Paths as in the directory, parted by `/`, and contents.
    files: Vec<(String, Vec<u8>)>,
    other_version: Option<OtherVersion>,
}

/// A directory whose files are not as this version writes them.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
#[error(
    "{} was written by another version of xnorforge: what is executed was made anew from its plan, {path} and others are not used",
    folder.display()
)]
#[diagnostic(
    severity(Advice),
    code(flow::artifacts::other_version),
    help("compile the model again for files of this version, or give `--trust` to use them as they lie")
)]
pub struct OtherVersion {
    /// The directory.
    pub folder: PathBuf,
    /// The first file that is otherwise.
    pub path: String,
}

impl Sources {
    /// The files of the directory `folder`, which `compiled` was read from: by default made anew from the plan.
    ///
    /// # Errors
    /// Where a file was edited, that is neither what it was when the directory was written nor what this version writes; with
    /// [`Trust::Files`], where a file is missing.
    pub fn of(compiled: &Compiled, folder: &Path, trust: Trust) -> Result<Self, ArtifactsError> {
        match trust {
            Trust::Plan => Self::generated(compiled, folder),
            Trust::Files => Self::found(compiled, folder),
        }
    }

    fn generated(compiled: &Compiled, folder: &Path) -> Result<Self, ArtifactsError> {
        let Manifest { checked, device, .. } = &compiled.manifest;
        let board = device.as_ref().map(|device| Board::find(&device.board)).transpose()?;
        // A device goes on saying what hosts that have the directory expect.
        let identity = compiled.manifest.design_hash_bytes();
        let plan = compiled.built_plan();
        let Generated { texts, manifest } = generate(&plan, board.as_ref(), &compiled.prefix, *checked, identity)?;
        let sums = sums::read(folder)?;
        let sum = |path: &str| sums.as_ref().and_then(|sums| sums.get(path));
        let is_written = |path: &str| sum(path).is_some_and(|sum| sums::holds(&folder.join(path), sum));
        let edited = |path: &str| ArtifactsError::Edited { path: folder.join(path), folder: folder.to_owned() };
        let mut other = None;
        for (path, text) in &texts {
            if holds(&folder.join(path), text) {
                continue;
            }
            if sums.is_some() && !is_written(path) {
                return Err(edited(path));
            }
            other = other.or(Some(path));
        }
        // Nothing executes these, but whoever edited them means something by it.
        let generated = |path: &str| texts.iter().any(|(known, _)| known == path);
        let mut rest = sums.iter().flatten().map(|(path, _)| path).filter(|path| !generated(path));
        if let Some(path) = rest.find(|path| !is_written(path)) {
            return Err(edited(path));
        }
        let other_version = other.map(|path| OtherVersion { folder: folder.to_owned(), path: path.clone() });
        let manifest = Manifest { files: manifest.files, device: manifest.device, ..compiled.manifest.clone() };
        let files = texts.into_iter().map(|(path, text)| (path, text.into_bytes())).collect();
        Ok(Sources { compiled: Compiled { manifest, ..compiled.clone() }, files, other_version })
    }

    fn found(compiled: &Compiled, folder: &Path) -> Result<Self, ArtifactsError> {
        check_files(folder, &compiled.manifest, |place, file| folder.join(place).join(file).is_file())?;
        let mut files = Vec::new();
        for place in ["rtl", "soc", "board"] {
            for entry in fs::read_dir(folder.join(place)).into_iter().flatten().flatten() {
                let (path, name) = (entry.path(), entry.file_name());
                if let (true, Some(name)) = (path.is_file(), name.to_str()) {
                    let contents = regular::read(&path).map_err(|source| file_error("read", &path, source))?;
                    files.push((format!("{place}/{name}"), contents));
                }
            }
        }
        Ok(Sources { compiled: compiled.clone(), files, other_version: None })
    }

    /// The design, whose manifest names these files.
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// What to report if another version wrote the directory.
    pub fn other_version(&self) -> Option<&OtherVersion> {
        self.other_version.as_ref()
    }

    /// Writes the files into `folder`, as they lie in a directory.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn lay(&self, folder: &Path) -> Result<(), ArtifactsError> {
        lay(&self.files, folder)
    }

    /// The files in a folder that is removed when it is dropped.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn laid(&self) -> Result<TempDir, ArtifactsError> {
        let room =
            tempfile::tempdir().map_err(|source| file_error("create a folder in", &std::env::temp_dir(), source))?;
        self.lay(room.path())?;
        Ok(room)
    }
}

/// Whether `text` lies at `path`.
fn holds(path: &Path, text: &str) -> bool {
    let is_as_long = path.metadata().is_ok_and(|found| found.len() == text.len() as u64);
    is_as_long && regular::read(path).is_ok_and(|found| found == text.as_bytes())
}
