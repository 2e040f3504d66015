//! What passes over a line, in a file, and a line that answers from such a file: a session with a board becomes a test that
//! needs none.
//!
//! A recording is text. The first line is `xnorforge line recording 1`, the second one
//! `seed S byte_nanoseconds N time_scale T`: the seed of the numbers that the host chose
//! ([`Sessions`](crate::device::Sessions)) and the line's [`Pace`](super::Pace). Each further line is one event: microseconds
//! since the recording began, a sign, and bytes in hexadecimal where the event has any.
//!
//! | line | |
//! |---|---|
//! | `12 > 7e01` | the host wrote these bytes, and the line took them |
//! | `12 ! 7e01` | the host wrote these bytes, and the line did not take them in time |
//! | `15 < 7e81` | the host read these bytes |
//! | `99 .` | the host read, and nothing came in time |
//! | `99 x` | the other side went away |
//!
//! Times are for people: a [`Replay`] waits for nothing.

mod error;
mod text;

pub use error::RecordingError;
pub use text::Recording;

use super::{Pace, Transport, TransportError};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// What happened on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The line took bytes of the host.
    Sent(Vec<u8>),
    /// The line did not take these bytes in time.
    Jammed(Vec<u8>),
    /// Bytes came.
    Received(Vec<u8>),
    /// Nothing came in time.
    Nothing,
    /// The other side went away.
    Closed,
}

/// A line whose traffic is written down.
#[derive(Debug)]
pub struct Recorder<T, W: Write> {
    transport: T,
    file: W,
    begin: Instant,
}

impl<T: Transport> Recorder<T, BufWriter<File>> {
    /// Records what passes over `transport` into a new file at `path`. The host's numbers come from `seed`.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn create(transport: T, path: &Path, seed: u64) -> Result<Self, TransportError> {
        let file = File::create(path).map_err(|source| TransportError::NotRecorded { source })?;
        Recorder::new(transport, BufWriter::new(file), seed)
    }
}

impl<T: Transport, W: Write> Recorder<T, W> {
    /// Records what passes over `transport` into `file`. The host's numbers come from `seed`.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn new(transport: T, mut file: W, seed: u64) -> Result<Self, TransportError> {
        let head = text::head(seed, transport.pace());
        file.write_all(head.as_bytes()).map_err(|source| TransportError::NotRecorded { source })?;
        Ok(Recorder { transport, file, begin: Instant::now() })
    }

    /// Writes `event` down at once, because a host that is stopped is where a recording is needed most.
    fn note(&mut self, event: &Event) -> Result<(), TransportError> {
        let line = text::line(self.begin.elapsed(), event);
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.flush());
        written.map_err(|source| TransportError::NotRecorded { source })
    }
}

impl<T: Transport, W: Write> Transport for Recorder<T, W> {
    fn write(&mut self, bytes: &[u8], timeout: Duration) -> Result<(), TransportError> {
        let outcome = self.transport.write(bytes, timeout);
        match &outcome {
            Ok(()) => self.note(&Event::Sent(bytes.to_vec()))?,
            Err(TransportError::Timeout { .. }) => self.note(&Event::Jammed(bytes.to_vec()))?,
            Err(_) => self.note(&Event::Closed)?,
        }
        outcome
    }

    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, TransportError> {
        let outcome = self.transport.read(buffer, timeout);
        match &outcome {
            Ok(0) => {}
            Ok(count) => self.note(&Event::Received(buffer[..*count].to_vec()))?,
            Err(TransportError::Timeout { .. }) => self.note(&Event::Nothing)?,
            Err(_) => self.note(&Event::Closed)?,
        }
        outcome
    }

    fn pace(&self) -> Pace {
        self.transport.pace()
    }
}

/// A line that answers as a recording says, as long as the host writes what the recorded one wrote.
#[derive(Clone, Debug)]
pub struct Replay {
    pace: Pace,
    events: VecDeque<Event>,
    /// Bytes that the host has written.
    position: usize,
}

impl Replay {
    /// A line that answers from `recording`.
    pub fn new(recording: Recording) -> Self {
        Replay { pace: recording.pace, events: recording.events.into(), position: 0 }
    }

    /// Whether everything that was recorded has passed.
    pub fn is_over(&self) -> bool {
        self.events.is_empty()
    }

    /// Compares one byte of the host with the recorded one.
    fn take(&mut self, found: u8) -> Result<(), TransportError> {
        let position = self.position;
        let bytes = match self.events.front_mut() {
            Some(Event::Sent(bytes)) => bytes,
            Some(Event::Received(bytes)) => {
                return Err(TransportError::UnreadReplay { position, bytes: bytes.len() });
            }
            _ => return Err(TransportError::ReplayEnded { position, found }),
        };
        match bytes.first() {
            Some(expected) if *expected != found => {
                return Err(TransportError::OtherRequest { position, expected: *expected, found });
            }
            _ => {}
        }
        bytes.drain(..1.min(bytes.len()));
        if bytes.is_empty() {
            self.events.pop_front();
        }
        self.position += 1;
        Ok(())
    }

    fn closed(&self) -> TransportError {
        TransportError::Closed { source: io::ErrorKind::UnexpectedEof.into() }
    }
}

impl Transport for Replay {
    fn write(&mut self, bytes: &[u8], timeout: Duration) -> Result<(), TransportError> {
        while self.events.front() == Some(&Event::Nothing) {
            // The host need not look as often as the recorded one whether something came.
            self.events.pop_front();
        }
        match self.events.front() {
            Some(Event::Closed) => return Err(self.closed()),
            Some(Event::Jammed(recorded)) => {
                if let Some((place, (expected, found))) =
                    recorded.iter().zip(bytes).enumerate().find(|(_, (expected, found))| expected != found)
                {
                    let position = self.position + place;
                    return Err(TransportError::OtherRequest { position, expected: *expected, found: *found });
                }
                self.events.pop_front();
                return Err(TransportError::Timeout { timeout, done: 0, expected: bytes.len() });
            }
            _ => {}
        }
        bytes.iter().try_for_each(|byte| self.take(*byte))
    }

    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, TransportError> {
        if buffer.is_empty() {
            return Ok(0);
        }
        match self.events.front_mut() {
            Some(Event::Received(bytes)) => {
                let count = bytes.len().min(buffer.len());
                buffer[..count].copy_from_slice(&bytes[..count]);
                bytes.drain(..count);
                if bytes.is_empty() {
                    self.events.pop_front();
                }
                Ok(count)
            }
            Some(Event::Closed) => Err(self.closed()),
            Some(Event::Nothing) => {
                self.events.pop_front();
                Err(TransportError::Timeout { timeout, done: 0, expected: 1 })
            }
            // What came later came as an answer to what the host has yet to write.
            Some(Event::Sent(_) | Event::Jammed(_)) | None => {
                Err(TransportError::Timeout { timeout, done: 0, expected: 1 })
            }
        }
    }

    fn pace(&self) -> Pace {
        self.pace
    }
}
