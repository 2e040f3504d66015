//! The file that stands for the memory of a card.

use crate::SimError;
use abi::registers::SPAN_BYTES;
use host::MemoryBus;
use std::fs::OpenOptions;
use std::path::Path;
use tempfile::TempPath;

/// Where files that are memory belong, if the system has such a place: no disk is behind it.
const MEMORY_FOLDER: &str = "/dev/shm";

/// The memory of a card: a sparse file as large as the addresses of a device, which is a power of two, as a BAR must be.
/// It is removed in the end.
#[derive(Debug)]
pub struct BarFile {
    path: TempPath,
}

impl BarFile {
    /// A new file at `path`, or anywhere.
    ///
    /// # Errors
    /// Where there is a file already, or the system refuses.
    pub fn create(path: Option<&Path>) -> Result<Self, SimError> {
        match path {
            Some(path) => {
                let refused = |source| SimError::BarFile { path: path.to_owned(), source };
                let file = OpenOptions::new().read(true).write(true).create_new(true).open(path).map_err(refused)?;
                // Its owner from here on: it is removed where it cannot be made as large.
                let path = TempPath::try_from_path(path).map_err(refused)?;
                let sized = file.set_len(u64::from(SPAN_BYTES));
                sized.map_err(|source| SimError::BarFile { path: path.to_path_buf(), source })?;
                Ok(BarFile { path })
            }
            None => {
                let memory = Path::new(MEMORY_FOLDER);
                let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
                let refused = |source| SimError::BarFile { path: folder.clone(), source };
                let file = tempfile::Builder::new().prefix("xnorforge-bar-").tempfile_in(&folder).map_err(refused)?;
                file.as_file().set_len(u64::from(SPAN_BYTES)).map_err(refused)?;
                Ok(BarFile { path: file.into_temp_path() })
            }
        }
    }

    /// The path that hosts open.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Maps the file for whoever serves it.
    pub(super) fn map(&self) -> Result<MemoryBus, SimError> {
        Ok(MemoryBus::serve(&self.path).map_err(host::BusError::from)?)
    }
}
