//! Serial lines: eight bits, no parity, one stop bit, no flow control.

mod address;

pub use address::{AddressError, DEFAULT_BAUD, UartAddress};

use super::{Deadline, Pace, Transport, TransportError};
use serialport::{ClearBuffer, DataBits, ErrorKind, FlowControl, Parity, SerialPort, StopBits};
use std::io;
use std::path::Path;
use std::time::Duration;

/// Time scale of a pseudo-terminal: a board simulated behind it runs some 10^5 clock cycles a second, for 10^8 of a
/// board.
pub const PSEUDO_TERMINAL_TIME_SCALE: u32 = 1000;

/// Where the adapter's rate is farther from the one asked for than this, bytes break. Both ends of a UART together may
/// be off by about 5 %.
const MAX_BAUD_ERROR_PERCENT: u64 = 3;

/// Bytes written at once. The system waits without a timeout where it has no room for all of them; that it has room at
/// all is known before, and then drivers have it for many more than these.
const CHUNK_BYTES: usize = 64;

/// A serial line, held by this program alone.
pub struct Uart {
    port: Box<dyn SerialPort>,
    pace: Pace,
}

impl Uart {
    /// Opens the line at `path` with `baud` bits a second and forgets what had come over it before, and what still waits to
    /// be sent.
    ///
    /// A pseudo-terminal (Linux: `/dev/pts/`) counts as a board whose time is simulated.
    ///
    /// # Errors
    /// Where no serial line lies at the path, it cannot be opened, or cannot run at that rate.
    pub fn open(path: &str, baud: u32) -> Result<Self, TransportError> {
        check_kind(path)?;
        let builder = serialport::new(path, baud)
            .data_bits(DataBits::Eight)
            .parity(Parity::None)
            .stop_bits(StopBits::One)
            .flow_control(FlowControl::None);
        #[cfg(unix)]
        let builder = builder.exclusive(true);
        let mut port = builder.open().map_err(|error| refused(path, error))?;
        // Some USB devices send only to those who are ready. A pseudo-terminal has no such wire and refuses.
        let _ = port.write_data_terminal_ready(true);
        // An adapter that does not tell its rate is trusted.
        if let Ok(found) = port.baud_rate()
            && u64::from(found.abs_diff(baud)) * 100 > u64::from(baud) * MAX_BAUD_ERROR_PERCENT
        {
            return Err(TransportError::BaudRate { path: path.to_owned(), expected: baud, found });
        }
        // Whoever reads must tell late bytes from awaited ones anyway; this only makes them rarer. What another program has
        // sent and the device has not heard yet would only be answered first.
        let _ = port.clear(ClearBuffer::All);
        let time_scale = if is_pseudo_terminal(path) { PSEUDO_TERMINAL_TIME_SCALE } else { 1 };
        Ok(Uart { port, pace: Pace { time_scale, ..Pace::of_baud(baud) } })
    }

    /// The same line with another time scale: [`Pace::time_scale`].
    pub fn with_time_scale(mut self, time_scale: u32) -> Self {
        self.pace.time_scale = time_scale;
        self
    }
}

impl std::fmt::Debug for Uart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Uart").field("name", &self.port.name()).field("pace", &self.pace).finish()
    }
}

impl Transport for Uart {
    fn write(&mut self, bytes: &[u8], timeout: Duration) -> Result<(), TransportError> {
        let deadline = Deadline::after(timeout);
        let mut done = 0;
        while done < bytes.len() {
            let chunk = &bytes[done..bytes.len().min(done + CHUNK_BYTES)];
            let moved = within(&mut self.port, &deadline, |port| port.write(chunk))?;
            match moved {
                Some(count) => done += count,
                None => return Err(TransportError::Timeout { timeout, done, expected: bytes.len() }),
            }
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, TransportError> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let deadline = Deadline::after(timeout);
        let moved = within(&mut self.port, &deadline, |port| port.read(buffer))?;
        moved.ok_or(TransportError::Timeout { timeout, done: 0, expected: 1 })
    }

    fn pace(&self) -> Pace {
        self.pace
    }
}

/// Bytes that `call` moved before the deadline, `None` where it moved none.
fn within(
    port: &mut Box<dyn SerialPort>,
    deadline: &Deadline,
    mut call: impl FnMut(&mut Box<dyn SerialPort>) -> io::Result<usize>,
) -> Result<Option<usize>, TransportError> {
    loop {
        port.set_timeout(deadline.left()).map_err(|error| TransportError::Closed { source: error.into() })?;
        match call(port) {
            // The end of a file: a terminal that was hung up.
            Ok(0) => return Err(TransportError::Closed { source: io::ErrorKind::UnexpectedEof.into() }),
            Ok(count) => return Ok(Some(count)),
            Err(error) => match error.kind() {
                io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => return Ok(None),
                io::ErrorKind::Interrupted if deadline.has_passed() => return Ok(None),
                io::ErrorKind::Interrupted => {}
                _ => return Err(TransportError::Closed { source: error }),
            },
        }
    }
}

/// Refuses what is no serial line, before it is opened: opening some files waits, and some change when written to.
#[cfg(unix)]
fn check_kind(path: &str) -> Result<(), TransportError> {
    use std::os::unix::fs::FileTypeExt;
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.file_type().is_char_device() => Ok(()),
        Ok(_) => Err(TransportError::NotSerial { path: path.to_owned() }),
        Err(error) => Err(refused(path, error.into())),
    }
}

/// Names of serial lines are no files here.
#[cfg(not(unix))]
fn check_kind(_path: &str) -> Result<(), TransportError> {
    Ok(())
}

fn is_pseudo_terminal(path: &str) -> bool {
    // Links to pseudo-terminals are common: simulators and socat make them for a name that stays.
    std::fs::canonicalize(path).is_ok_and(|path| path.starts_with(Path::new("/dev/pts")))
}

fn refused(path: &str, error: serialport::Error) -> TransportError {
    let path = path.to_owned();
    match error.kind() {
        ErrorKind::Io(io::ErrorKind::NotFound) => TransportError::NotFound { path },
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => TransportError::PermissionDenied { path },
        // What serialport makes of EBUSY and of a lock that somebody else holds.
        ErrorKind::NoDevice if cfg!(unix) => TransportError::Busy { path },
        ErrorKind::NoDevice | ErrorKind::InvalidInput | ErrorKind::Unknown | ErrorKind::Io(_) => {
            TransportError::Open { path, source: error.into() }
        }
    }
}
