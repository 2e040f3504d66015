//! Files and streams that the system refuses.

use miette::Diagnostic;
use std::error::Error;
use thiserror::Error;

/// A file or stream that cannot be read or written.
#[derive(Debug, Error, Diagnostic)]
#[error("{message}")]
#[diagnostic(
    code(xnorforge::file),
    help("check that the path exists, that it may be accessed and that the disk is not full")
)]
pub struct FileError {
    /// What was tried, where, and the system's answer.
    message: String,
}

impl FileError {
    /// For `map_err`: `tried` could not be done.
    pub fn context<E: Error>(tried: impl Into<String>) -> impl FnOnce(E) -> FileError {
        let tried = tried.into();
        move |error| FileError { message: chain(tried, &error) }
    }

    /// The system's answer alone.
    pub fn of(error: &dyn Error) -> Self {
        FileError { message: chain(String::new(), error) }
    }
}

/// `message`, the error and its causes, without those that the text already contains.
fn chain(message: String, error: &dyn Error) -> String {
    let mut text = message;
    let mut next = Some(error);
    while let Some(error) = next {
        let cause = error.to_string();
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text += &format!(": {cause}");
        }
        next = error.source();
    }
    text
}
