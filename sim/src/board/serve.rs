//! A simulated board behind a pseudo-terminal, for hosts in other processes.

use super::{Pins, SimulatedLine};
use crate::SimError;
use serialport::{SerialPort, TTYPort};
use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

/// Chunks simulated after the last byte before the board's time stops until another byte comes: long enough for any
/// small network to finish its images, and the host's polling moves time along for others.
const QUIET_CHUNKS: u32 = 500;

/// How long to wait for bytes at a time while the board's time stands.
const NAP: Duration = Duration::from_millis(50);

/// Whether nobody has the far side open: `EIO` by the system, a broken pipe by the library that asked first.
fn is_nobody_there(error: &std::io::Error) -> bool {
    const EIO: i32 = 5;
    error.kind() == ErrorKind::BrokenPipe || error.raw_os_error() == Some(EIO)
}

/// Whether the other side has not read what came before.
fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
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
            let bytes = self.bytes(if time_stands { NAP } else { Duration::ZERO })?;
            line.send(&bytes);
            if time_stands && bytes.is_empty() {
                continue;
            }
            line.advance()?;
            let answer = line.received();
            quiet = if bytes.is_empty() && answer.is_empty() && line.is_idle() { quiet + 1 } else { 0 };
            // What nobody takes is lost, as on a wire.
            match self.near.write_all(&answer) {
                Err(source) if !is_nobody_there(&source) && !is_full(&source) => {
                    return Err(SimError::PseudoTerminal { source });
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// What a host has sent; waits for it as long as `wait`.
    fn bytes(&mut self, wait: Duration) -> Result<Vec<u8>, SimError> {
        let mut buffer = [0; 256];
        self.near.set_timeout(wait).map_err(|error| SimError::PseudoTerminal { source: error.into() })?;
        match self.near.read(&mut buffer) {
            Ok(count) => Ok(buffer[..count].to_vec()),
            Err(error) if is_nobody_there(&error) => {
                std::thread::sleep(wait);
                Ok(Vec::new())
            }
            Err(error) => match error.kind() {
                ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(Vec::new()),
                _ => Err(SimError::PseudoTerminal { source: error }),
            },
        }
    }
}
