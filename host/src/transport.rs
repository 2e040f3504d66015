//! What carries bytes to a device and back.

use miette::Diagnostic;
use std::time::Duration;
use thiserror::Error;

/// A line to a device. Every call ends within its timeout.
pub trait Transport {
    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// Where the line fails or the timeout passes.
    fn write(&mut self, bytes: &[u8], timeout: Duration) -> Result<(), TransportError>;

    /// Fills all of `bytes`.
    ///
    /// # Errors
    /// Where the line fails or the timeout passes.
    fn read(&mut self, bytes: &mut [u8], timeout: Duration) -> Result<(), TransportError>;
}

/// A line that failed.
#[derive(Debug, Error, Diagnostic)]
pub enum TransportError {
    /// Nothing more came, or nothing more was taken.
    #[error("the device must answer within {timeout:?}, but after {done} of {expected} bytes nothing moved")]
    #[diagnostic(code(host::timeout), help("check the cable, the baud rate, and that the device is configured"))]
    Timeout {
        /// The timeout.
        timeout: Duration,
        /// Bytes moved before.
        done: usize,
        /// Bytes asked for.
        expected: usize,
    },
    /// The other side went away.
    #[error("the line to the device must stay open, but it was closed: {source}")]
    #[diagnostic(code(host::closed), help("plug the device in again and open it anew"))]
    Closed {
        /// The system's answer.
        source: std::io::Error,
    },
}

impl TransportError {
    /// Whether the same call may succeed when it is made again.
    pub fn is_transient(&self) -> bool {
        match self {
            TransportError::Timeout { .. } => true,
            TransportError::Closed { .. } => false,
        }
    }
}
