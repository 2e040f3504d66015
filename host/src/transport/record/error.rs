//! What can be wrong with a recording.

use miette::Diagnostic;
use std::path::PathBuf;
use thiserror::Error;

/// A file that is no recording of a line, or only a part of one.
#[derive(Debug, Error, Diagnostic)]
pub enum RecordingError {
    /// The file cannot be read.
    #[error("the recording {} must be readable, but the system answered: {source}", path.display())]
    #[diagnostic(
        code(host::recording::file),
        help("check the path; `xnorforge run DIR --input X.npy --on uart:PATH --record FILE` writes one")
    )]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Another file, or one of another version.
    #[error("a recording must begin with `{expected}`, but begins with `{found}`")]
    #[diagnostic(
        code(host::recording::head),
        help("give a file that `--record` of this version of xnorforge wrote, or record it anew")
    )]
    Head {
        /// The first line.
        expected: &'static str,
        /// The line found, shortened.
        found: String,
    },
    /// Something that is no event.
    #[error("line {line} of the recording must be {expected}, but is `{found}`")]
    #[diagnostic(
        code(host::recording::line),
        help("the file is damaged or was changed: record it anew, or correct the line")
    )]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// What belongs there.
        expected: &'static str,
        /// The line found, shortened.
        found: String,
    },
    /// The end is missing.
    #[error("line {line} of the recording must end with a line feed, but the file ends before")]
    #[diagnostic(
        code(host::recording::cut),
        help("the recording was cut off: record it anew, or delete its last line to replay what is there")
    )]
    Cut {
        /// Number of the line, from 1.
        line: usize,
    },
}
