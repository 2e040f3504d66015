//! Standard output, which may be a closed pipe or a full disk.

use crate::failure::Failure;
use std::io::{ErrorKind, Write, stdout};

/// Writes `text` to standard output. A reader that has gone away, such as `head`, is no failure.
///
/// # Errors
/// Where standard output cannot be written.
pub fn show(text: &str) -> Result<(), Failure> {
    announce(text).map(drop)
}

/// Writes `text` to standard output; whether somebody reads it.
///
/// # Errors
/// Where standard output cannot be written.
pub fn announce(text: &str) -> Result<bool, Failure> {
    let mut stdout = stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(anyhow::Error::from(error).context("cannot write to standard output").into()),
    }
}
