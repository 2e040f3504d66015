//! One build in a directory at a time.

use super::BuildError;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::process::Stdio;

/// Holds the folder `build` for one process and the tools that it runs.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the folder.
    pub(super) fn take(build: &Path) -> Result<Self, BuildError> {
        let path = build.join("lock");
        let fault = |source| BuildError::File { action: "lock", path: path.clone(), source };
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { file }),
            Err(TryLockError::WouldBlock) => Err(BuildError::Busy { folder: build.to_owned() }),
            Err(TryLockError::Error(source)) => Err(fault(source)),
        }
    }

    /// The lock as a tool's standard input, at whose end it stands. A tool that outlives a killed build so keeps the folder
    /// to itself until it has ended.
    pub(super) fn stdin(&self) -> Stdio {
        self.file.try_clone().map_or_else(|_| Stdio::null(), Stdio::from)
    }
}
