//! A simulated board behind a pseudo-terminal, for hosts in other processes.

use super::{Pins, SimulatedLine};
use crate::SimError;
use serialport::{ClearBuffer, SerialPort, TTYPort};
use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

/// Chunks simulated after the last byte before the board's time stops until another byte comes: long enough for any
/// small network to finish its images, and the host's polling moves time along for others.
const QUIET_CHUNKS: u32 = 500;

/// How long to wait for bytes at a time while the board's time stands.
const NAP: Duration = Duration::from_millis(50);

/// Bytes that wait at most for the board to take them. What a host sends beyond stays with the system, which has the host wait
/// once it holds a few thousand.
const QUEUE_BYTES: usize = 256;

/// What comes from the far side.
enum Heard {
    Bytes(Vec<u8>),
    /// No host has it open.
    Nobody,
}

/// Whether nobody has the far side open: `EIO` by the system, a broken pipe by the library that asked first.
fn is_nobody_there(error: &std::io::Error) -> bool {
    const EIO: i32 = 5;
    error.kind() == ErrorKind::BrokenPipe || error.raw_os_error() == Some(EIO)
}

/// Whether the other side has not read what came before.
fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// A pseudo-terminal whose far side a host can open as a serial line.
#[derive(Debug)]
pub struct Served {
    near: TTYPort,
    path: String,
}

impl Served {
    /// Opens a pseudo-terminal.
    ///
    /// # Errors
    /// Where the system has none.
    pub fn open() -> Result<Self, SimError> {
        // The far side is not kept: a host that wants it for itself alone would be refused.
        let (near, far) = TTYPort::pair().map_err(|source| SimError::PseudoTerminal { source: source.into() })?;
        Ok(Served { near, path: far.name().unwrap_or_default() })
    }

    /// The path that hosts open.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Carries bytes between the pseudo-terminal and the board for as long as `go_on` says so. Hosts may come and go.
    ///
    /// # Errors
    /// Where the simulation or the pseudo-terminal fails.
    pub fn run<P: Pins>(&mut self, line: &mut SimulatedLine<P>, go_on: impl Fn() -> bool) -> Result<(), SimError> {
        let mut quiet = QUIET_CHUNKS;
        while go_on() {
            let time_stands = quiet == QUIET_CHUNKS;
            let room = QUEUE_BYTES.saturating_sub(line.bytes_waiting());
            let is_silent = match self.hear(room, if time_stands { NAP } else { Duration::ZERO })? {
                Heard::Bytes(bytes) => {
                    line.send(&bytes);
                    bytes.is_empty()
                }
                Heard::Nobody => {
                    // Else the next host would have to wait until the board has taken it all.
                    line.forget();
                    true
                }
            };
            if time_stands && is_silent {
                continue;
            }
            line.advance()?;
            let answer = line.received();
            quiet = if is_silent && answer.is_empty() && line.is_idle() { quiet + 1 } else { 0 };
            self.say(&answer)?;
        }
        Ok(())
    }

    /// Gives a host what the board answers. What nobody takes is lost, as on a wire.
    fn say(&mut self, bytes: &[u8]) -> Result<(), SimError> {
        self.near.set_timeout(Duration::ZERO).map_err(|error| SimError::PseudoTerminal { source: error.into() })?;
        // One by one: the system waits without a timeout where it has room, but not for all of them.
        for byte in bytes {
            match self.near.write(&[*byte]) {
                Ok(_) => {}
                Err(error) if is_nobody_there(&error) || is_full(&error) => break,
                Err(source) => return Err(SimError::PseudoTerminal { source }),
            }
        }
        Ok(())
    }

    /// At most `most` bytes that a host has sent; waits for the first as long as `wait`.
    fn hear(&mut self, most: usize, wait: Duration) -> Result<Heard, SimError> {
        let mut buffer = [0; QUEUE_BYTES];
        let room = &mut buffer[..most.min(QUEUE_BYTES)];
        if room.is_empty() {
            return Ok(Heard::Bytes(Vec::new()));
        }
        self.near.set_timeout(wait).map_err(|error| SimError::PseudoTerminal { source: error.into() })?;
        match self.near.read(room) {
            Ok(count) => Ok(Heard::Bytes(buffer[..count].to_vec())),
            Err(error) if is_nobody_there(&error) => {
                // What the last host has left.
                let _ = self.near.clear(ClearBuffer::Input);
                std::thread::sleep(wait);
                Ok(Heard::Nobody)
            }
            Err(error) => match error.kind() {
                ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(Heard::Bytes(Vec::new())),
                _ => Err(SimError::PseudoTerminal { source: error }),
            },
        }
    }
}
