//! Standard output, which may be a closed pipe or a full disk.

use abi::text::{self, terminal};
use serde::Serialize;
use std::io::{ErrorKind, Write, stdout};
use verbs::{FileError, VerbError};

/// Writes `text` to standard output, names of files in it made harmless. A reader that has gone away, such as `head`, is no failure.
///
/// # Errors
/// Where standard output cannot be written.
pub fn show(text: &str) -> Result<(), VerbError> {
    announce(&terminal(text)).map(drop)
}

/// Writes `value` as one line of JSON.
///
/// # Errors
/// As [`show`].
pub fn show_json(value: &impl Serialize) -> Result<(), VerbError> {
    announce(&json(value)?).map(drop)
}

/// `value` as one line of JSON.
///
/// # Errors
/// Where it has no such form.
pub fn json(value: &impl Serialize) -> Result<String, VerbError> {
    let document = serde_json::to_string(value).map_err(|error| FileError::of(&error))?;
    Ok(text::json(&document) + "\n")
}

/// Writes `text` to standard output as it is; whether somebody reads it.
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
