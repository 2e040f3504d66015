//! Standard output, which may be a closed pipe or a full disk.

use crate::failure::Failure;
use std::io::{ErrorKind, Write, stdout};

/// Writes `text` to standard output. A reader that has gone away, such as `head`, is no failure.
///
/// # Errors
/// Where standard output cannot be written.
pub fn show(text: &str) -> Result<(), Failure> {
    let mut stdout = stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(anyhow::Error::from(error).context("cannot write to standard output").into())
        }
        _ => Ok(()),
    }
}
