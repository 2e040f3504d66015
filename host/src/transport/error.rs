//! What can go wrong with a line.

use miette::Diagnostic;
use std::time::Duration;
use thiserror::Error;

/// A line that failed, or could not be opened.
#[derive(Debug, Error, Diagnostic)]
pub enum TransportError {
    /// Nothing came, or not everything was taken.
    #[error("the line must move {expected} bytes within {timeout:?}, but moved {done}")]
    #[diagnostic(
        code(host::transport::timeout),
        help("check the cable, the baud rate, and that the device is configured")
    )]
    Timeout {
        /// The timeout.
        timeout: Duration,
        /// Bytes moved.
        done: usize,
        /// Bytes to move.
        expected: usize,
    },
    /// The other side went away.
    #[error("the line must stay open, but its other side went away: {source}")]
    #[diagnostic(
        code(host::transport::closed),
        help(
            "plug the device in again, or start its simulation again, then open the line anew; its path may have \
             changed"
        )
    )]
    Closed {
        /// The system's answer.
        source: std::io::Error,
    },
    /// Nothing lies at the path.
    #[error("a serial line must exist at {path}, but there is none")]
    #[diagnostic(
        code(host::transport::not_found),
        help("plug the board in and look for its path: `ls /dev/serial/by-id /dev/ttyUSB* /dev/ttyACM*`")
    )]
    NotFound {
        /// The path.
        path: String,
    },
    /// Something else lies at the path.
    #[error("{path} must be a serial line, but it is a file of another kind")]
    #[diagnostic(
        code(host::transport::not_serial),
        help("give the path of a serial line, such as /dev/ttyUSB0, or of a pseudo-terminal, such as /dev/pts/3")
    )]
    NotSerial {
        /// The path.
        path: String,
    },
    /// The system does not let this user in.
    #[error("{path} must be open to this user for reading and writing, but permission was denied")]
    #[diagnostic(
        code(host::transport::permission_denied),
        help(
            "join the group that owns serial lines, on most systems with `sudo usermod -a -G dialout $USER`, and log \
             in again"
        )
    )]
    PermissionDenied {
        /// The path.
        path: String,
    },
    /// Another program holds the line.
    #[error("{path} must be free, but another program holds it")]
    #[diagnostic(
        code(host::transport::busy),
        help("close the other program, a terminal perhaps: `fuser {path}` names it")
    )]
    Busy {
        /// The path.
        path: String,
    },
    /// The adapter cannot keep the rate.
    #[error("{path} must run at {expected} baud, but its adapter runs at {found}")]
    #[diagnostic(
        code(host::transport::baud_rate),
        help("build the design for a baud rate that the adapter has, and give that one")
    )]
    BaudRate {
        /// The path.
        path: String,
        /// The rate asked for.
        expected: u32,
        /// The rate that the adapter chose.
        found: u32,
    },
    /// The system refused for another reason.
    #[error("{path} must open as a serial line, but the system answered: {source}")]
    #[diagnostic(
        code(host::transport::open),
        help("check with `stty -F {path}` that it is a serial line and that its driver is loaded")
    )]
    Open {
        /// The path.
        path: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// What passes cannot be written down.
    #[error("what passes over the line must be recorded, but the system answered: {source}")]
    #[diagnostic(
        code(host::transport::not_recorded),
        help("check that the folder of the recording exists, that it may be written and that the disk is not full")
    )]
    NotRecorded {
        /// The system's answer.
        source: std::io::Error,
    },
    /// The host writes another byte than the recorded one did.
    #[error(
        "the host must write what was recorded, but byte {position} of what it writes is {found:#04x} and was \
         {expected:#04x}"
    )]
    #[diagnostic(
        code(host::transport::other_request),
        help(
            "replay with the directory, images and count of the recording; where these are the same, the host drives \
             devices differently now: record anew if that is meant"
        )
    )]
    OtherRequest {
        /// Bytes written before.
        position: usize,
        /// The recorded byte.
        expected: u8,
        /// The host's byte.
        found: u8,
    },
    /// The host writes where the recorded one read.
    #[error(
        "the host must read {bytes} recorded bytes before byte {position} of what it writes, but writes it already"
    )]
    #[diagnostic(
        code(host::transport::unread_replay),
        help("the host drives devices differently than when this was recorded: record anew if that is meant")
    )]
    UnreadReplay {
        /// Bytes written before.
        position: usize,
        /// Recorded bytes that were not read.
        bytes: usize,
    },
    /// The host writes more than was recorded.
    #[error(
        "the host must write what was recorded, which ends before byte {position}, but it writes {found:#04x} there"
    )]
    #[diagnostic(
        code(host::transport::replay_ended),
        help("replay with the images and count of the recording, or record anew")
    )]
    ReplayEnded {
        /// Bytes written before.
        position: usize,
        /// The host's byte.
        found: u8,
    },
}
