//! Standard output and standard error, which may be a closed pipe or a full disk.

use abi::text::{self, terminal};
use serde::Serialize;
use std::io::{self, ErrorKind, Write, stderr, stdout};
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
    is_read(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
}

/// Whether somebody reads what was written to standard output.
///
/// # Errors
/// Where it cannot be written.
pub fn is_read(written: io::Result<()>) -> Result<bool, VerbError> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(FileError::context("cannot write to standard output")(error).into()),
    }
}

/// Writes `text` to standard error as it is. Where that cannot be written there is nobody to tell, and the exit status still
/// says how the verb ended; `eprint!` would panic.
pub fn note(text: &str) {
    let _ = stderr().lock().write_all(text.as_bytes());
}
