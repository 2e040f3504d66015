//! One process at a time that changes a directory.

use super::{ArtifactsError, MANIFEST, file_error};
use crate::atomic;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom};
use std::path::Path;
use std::process::Stdio;

/// Holds a directory for one process and the tools that it runs. What is locked is its manifest: a directory that takes its
/// place has one of its own.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the directory `folder`.
    ///
    /// # Errors
    /// Where another process has it, or it is no directory that [`write()`](super::write()) wrote.
    pub fn take(folder: &Path) -> Result<Self, ArtifactsError> {
        let path = folder.join(MANIFEST);
        loop {
            let file = OpenOptions::new().read(true).write(true).open(&path);
            let file = file.map_err(|source| file_error("lock", &path, source))?;
            match file.try_lock() {
                // Else the directory was replaced meanwhile.
                Ok(()) if atomic::is_at(&file, &path) => return Ok(Lock { file }),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(ArtifactsError::Busy { folder: folder.to_owned() }),
                Err(TryLockError::Error(source)) => return Err(file_error("lock", &path, source)),
            }
        }
    }

    /// The lock as a tool's standard input, at whose end it stands. A tool that outlives a killed build so keeps the
    /// directory to itself until it has ended.
    pub fn stdin(&self) -> Stdio {
        let at_end = |mut file: File| file.seek(SeekFrom::End(0)).map(|_| file);
        self.file.try_clone().and_then(at_end).map_or_else(|_| Stdio::null(), Stdio::from)
    }
}
