//! Standard output, which may be a closed pipe or a full disk.

use serde::Serialize;
use std::io::{ErrorKind, Write, stdout};
use verbs::{FileError, VerbError};

/// Writes `text` to standard output. A reader that has gone away, such as `head`, is no failure.
///
/// # Errors
/// Where standard output cannot be written.
pub fn show(text: &str) -> Result<(), VerbError> {
    announce(text).map(drop)
}

/// Writes `value` as one line of JSON.
///
/// # Errors
/// As [`show`].
pub fn show_json(value: &impl Serialize) -> Result<(), VerbError> {
    show(&json(value)?)
}

/// `value` as one line of JSON.
///
/// # Errors
/// Where it has no such form.
pub fn json(value: &impl Serialize) -> Result<String, VerbError> {
    Ok(serde_json::to_string(value).map_err(|error| FileError::of(&error))? + "\n")
}

/// Writes `text` to standard output; whether somebody reads it.
///
/// # Errors
/// Where standard output cannot be written.
pub fn announce(text: &str) -> Result<bool, VerbError> {
    let mut stdout = stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(FileError::context("cannot write to standard output")(error).into()),
    }
}
