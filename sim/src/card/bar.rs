//! The file that stands for the memory of a card.

use crate::SimError;
use abi::registers::SPAN_BYTES;
use host::MemoryBus;
use host::bus::memory::BarError;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where files that are memory belong, if the system has such a place: no disk is behind it.
const MEMORY_FOLDER: &str = "/dev/shm";

/// The memory of a card: a sparse file as large as the addresses of a device, which is a power of two, as a BAR must be.
///
/// It is removed in the end, unless another file has taken its place.
#[derive(Debug)]
pub struct BarFile {
    path: PathBuf,
    file: File,
}

impl BarFile {
    /// A new file at `path`, or anywhere.
    ///
    /// # Errors
    /// Where there is a file already, or the system refuses.
    pub fn create(path: Option<&Path>) -> Result<Self, SimError> {
        let bar = match path {
            Some(path) => BarFile::at(path).map_err(|source| SimError::BarFile { path: path.to_owned(), source })?,
            None => {
                let memory = Path::new(MEMORY_FOLDER);
                let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
                BarFile::within(&folder).map_err(|source| SimError::BarFile { path: folder, source })?
            }
        };
        // It has an owner from here on: it is removed where it cannot be made as large.
        let sized = bar.file.set_len(u64::from(SPAN_BYTES));
        sized.map_err(|source| bar.no_space(u64::from(SPAN_BYTES), source))?;
        Ok(bar)
    }

    fn at(path: &Path) -> io::Result<Self> {
        // The program that removes it may stand elsewhere by then.
        let path = std::path::absolute(path)?;
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        Ok(BarFile { path, file })
    }

    fn within(folder: &Path) -> io::Result<Self> {
        let (file, path) = tempfile::Builder::new().prefix("xnorforge-bar-").tempfile_in(folder)?.into_parts();
        Ok(BarFile { path: path.keep()?, file })
    }

    /// The path that hosts open.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Has the file system set space aside for bytes of the file, so that it is not missing at an access to them.
    pub(super) fn reserve(&self, bytes: Range<u64>) -> Result<(), SimError> {
        let count = bytes.end.saturating_sub(bytes.start);
        let mut file = &self.file;
        let written = file
            .seek(SeekFrom::Start(bytes.start))
            .and_then(|_| io::copy(&mut io::repeat(0).take(count), &mut file).map(drop));
        written.map_err(|source| self.no_space(count, source))
    }

    fn no_space(&self, bytes: u64, source: io::Error) -> SimError {
        SimError::BarSpace { path: self.path.clone(), bytes, source }
    }

    /// Maps the file for whoever serves it.
    pub(super) fn map(&self) -> Result<MemoryBus, SimError> {
        let file = self.file.try_clone().map_err(|source| BarError::Map { path: self.path.clone(), source });
        Ok(file.and_then(|file| MemoryBus::serve_file(file, &self.path)).map_err(host::BusError::from)?)
    }

    /// Checks that nobody has truncated the file. Where the first page stays, no access there tells it.
    pub(super) fn check_size(&self) -> Result<(), SimError> {
        if self.file.metadata().is_ok_and(|metadata| metadata.len() >= u64::from(SPAN_BYTES)) {
            return Ok(());
        }
        Err(host::BusError::from(BarError::Lost { path: self.path.clone() }).into())
    }

    /// Whether its path still leads to the file.
    fn is_there(&self) -> bool {
        let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let found = fs::symlink_metadata(&self.path).map(identity);
        found.is_ok_and(|found| self.file.metadata().map(identity).is_ok_and(|own| own == found))
    }
}

impl Drop for BarFile {
    fn drop(&mut self) {
        if self.is_there() {
            let _ = fs::remove_file(&self.path);
        }
    }
}
