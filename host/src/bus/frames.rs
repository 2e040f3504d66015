//! Accesses as frames over a line that loses and breaks bytes.
//!
//! Every attempt at an access has a sequence number of its own, and only the answer to the last attempt counts. An
//! answer to an earlier attempt would say just as well that the access took effect, but then the last attempt is still
//! under way: if it breaks there, a device that stores words as they come spoils a window that the host takes for
//! written. The answer to the last attempt says that no request is under way any more, since a line keeps the order of
//! its bytes.

use super::{Bus, BusError, Patience};
use crate::transport::{Deadline, Transport, TransportError};
use abi::frame::{Decoder, Frame, FrameKind, MOST_WORDS, Refusal};
use abi::registers::{INPUT_WINDOW, Register};

/// Most bytes of a header on the line, flags included: every byte may be escaped.
const MOST_HEADER_BYTES: usize = 2 + 2 * (abi::frame::HEADER_BYTES + abi::frame::CHECKSUM_BYTES);

/// The [`Bus`] over frames on a serial line.
#[derive(Clone, Debug)]
pub struct FrameBus<T> {
    transport: T,
    patience: Patience,
    decoder: Decoder,
    /// Number of the last attempt.
    sequence: u8,
    /// Most words of a frame for a window; unknown until the first one.
    frame_words: Option<usize>,
    statistics: LineStatistics,
}

/// What a line has carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineStatistics {
    /// Frames that got their answer.
    pub answered: u64,
    /// Frames sent again.
    pub repeated: u64,
    /// Bytes handed to the line.
    pub bytes_sent: u64,
    /// Bytes that came.
    pub bytes_received: u64,
    /// Broken frames that came.
    pub broken_frames: u64,
    /// Whole frames that came and were not awaited: late answers, repeated answers, echoes.
    pub stray_frames: u64,
    /// Requests that the device refused because they arrived broken.
    pub refused_payloads: u64,
}

/// What came during one access.
#[derive(Default)]
struct Heard {
    bytes: u64,
    broken: u64,
    late: u64,
    echoes: u64,
    refused: u64,
    jam: Option<TransportError>,
}

impl<T: Transport> FrameBus<T> {
    /// A bus over `transport` with the usual patience.
    pub fn new(transport: T) -> Self {
        FrameBus {
            transport,
            patience: Patience::default(),
            decoder: Decoder::default(),
            sequence: 0,
            frame_words: None,
            statistics: LineStatistics::default(),
        }
    }

    /// The same bus with another patience.
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// What the line has carried since the bus was made.
    pub fn statistics(&self) -> LineStatistics {
        self.statistics
    }

    /// The line.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// The line.
    pub fn transport_mut(&mut self) -> &mut T {
        &mut self.transport
    }

    /// Most words of a frame at `address`.
    fn words_at(&mut self, address: u32) -> Result<usize, BusError> {
        if address < INPUT_WINDOW {
            return Ok(1);
        }
        if let Some(words) = self.frame_words {
            return Ok(words);
        }
        let words = self.read_register(Register::FrameWords)?;
        if words == 0 {
            return Err(BusError::NoFrameWords);
        }
        let words = usize::try_from(words).map_or(MOST_WORDS, |words| words.min(MOST_WORDS));
        self.frame_words = Some(words);
        Ok(words)
    }

    /// Sends `request` until it is answered; the words of the answer.
    fn exchange(&mut self, mut request: Frame) -> Result<Vec<u32>, BusError> {
        let mut heard = Heard::default();
        let first = self.sequence.wrapping_add(1);
        let mut attempt = 0;
        loop {
            attempt += 1;
            self.sequence = self.sequence.wrapping_add(1);
            request.sequence = self.sequence;
            if let Some(words) = self.attempt(&request, attempt, first, &mut heard)? {
                self.statistics.answered += 1;
                return Ok(words);
            }
            let is_silent = self.statistics.bytes_received == 0;
            let most = if is_silent { self.patience.silent_attempts } else { self.patience.attempts };
            if attempt >= most {
                return Err(self.diagnosis(attempt, heard));
            }
            self.statistics.repeated += 1;
        }
    }

    /// Sends `request` once; the words of its answer, `None` where none came or the request arrived broken.
    fn attempt(
        &mut self,
        request: &Frame,
        attempt: u32,
        first: u8,
        heard: &mut Heard,
    ) -> Result<Option<Vec<u32>>, BusError> {
        let bytes = request.encode();
        let answer_bytes = MOST_HEADER_BYTES + 8 * (usize::from(request.count) + 1);
        let timeout = self.patience.timeout(bytes.len() + answer_bytes, attempt, self.transport.pace());
        let deadline = Deadline::after(timeout);
        heard.jam = None;
        match self.transport.write(&bytes, timeout) {
            Ok(()) => self.statistics.bytes_sent += bytes.len() as u64,
            Err(jam @ TransportError::Timeout { .. }) => {
                heard.jam = Some(jam);
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        }
        let mut buffer = [0; 512];
        loop {
            let count = match self.transport.read(&mut buffer, deadline.left()) {
                Ok(count) => count,
                Err(TransportError::Timeout { .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            heard.bytes += count as u64;
            self.statistics.bytes_received += count as u64;
            let mut answer = None;
            for byte in &buffer[..count] {
                match self.decoder.push(*byte) {
                    None => {}
                    Some(Err(_)) => {
                        heard.broken += 1;
                        self.statistics.broken_frames += 1;
                    }
                    Some(Ok(frame)) if answer.is_none() && answers(&frame, request) => answer = Some(frame),
                    Some(Ok(frame)) => {
                        self.statistics.stray_frames += 1;
                        let is_request = matches!(frame.kind, FrameKind::Read | FrameKind::Write);
                        let age = self.sequence.wrapping_sub(frame.sequence);
                        heard.echoes += u64::from(is_request);
                        heard.late += u64::from(!is_request && age > 0 && age <= self.sequence.wrapping_sub(first));
                    }
                }
            }
            match answer {
                Some(frame) if frame.kind == FrameKind::Refusal => return self.refused(request, frame.count, heard),
                Some(frame) => return Ok(Some(frame.payload)),
                // A line that never falls silent must not hold the host longer than one that does.
                None if deadline.has_passed() => return Ok(None),
                None => {}
            }
        }
    }

    /// What a refusal means: `None` that the request may be sent again.
    fn refused(&mut self, request: &Frame, code: u16, heard: &mut Heard) -> Result<Option<Vec<u32>>, BusError> {
        let action = if request.kind == FrameKind::Read { "read" } else { "write" };
        let (address, words) = (request.address, usize::from(request.count));
        Err(match Refusal::from_code(code) {
            Some(Refusal::Payload) => {
                heard.refused += 1;
                self.statistics.refused_payloads += 1;
                return Ok(None);
            }
            Some(Refusal::Address) => BusError::Address { action, address, words },
            Some(Refusal::Kind) => BusError::Kind { action },
            Some(Refusal::Count) => BusError::Count { action, address, words },
            None => BusError::UnknownRefusal { action, address, code },
        })
    }

    /// Why none of `attempts` attempts was answered.
    fn diagnosis(&self, attempts: u32, heard: Heard) -> BusError {
        match heard {
            Heard { jam: Some(jam), .. } => BusError::Transport(jam),
            Heard { refused: 1.., .. } => BusError::Payload { attempts, refused: heard.refused },
            Heard { late: 1.., .. } => BusError::Late { attempts },
            Heard { echoes: 1.., .. } => BusError::Echo { attempts },
            Heard { bytes: 1.., .. } => BusError::Unintelligible { attempts, bytes: heard.bytes, broken: heard.broken },
            _ if self.statistics.answered > 0 => BusError::Stopped { attempts },
            _ => BusError::Silent { attempts },
        }
    }
}

/// Whether `frame` answers `request`. With the right number but other contents it is left from an earlier program.
fn answers(frame: &Frame, request: &Frame) -> bool {
    let is_same = frame.sequence == request.sequence && frame.address == request.address;
    is_same
        && match frame.kind {
            FrameKind::ReadReply => request.kind == FrameKind::Read && frame.count == request.count,
            FrameKind::WriteReply => request.kind == FrameKind::Write,
            FrameKind::Refusal => true,
            FrameKind::Read | FrameKind::Write => false,
        }
}

impl<T: Transport> Bus for FrameBus<T> {
    fn read(&mut self, address: u32, words: &mut [u32]) -> Result<(), BusError> {
        let most = self.words_at(address)?;
        let mut place = address;
        let mut rest = words;
        while !rest.is_empty() {
            let (part, behind) = rest.split_at_mut(rest.len().min(most));
            let found = self.exchange(Frame::read(0, place, part.len() as u16))?;
            part.copy_from_slice(&found);
            place = place.wrapping_add(4 * part.len() as u32);
            rest = behind;
        }
        Ok(())
    }

    fn write(&mut self, address: u32, words: &[u32]) -> Result<(), BusError> {
        let most = self.words_at(address)?;
        let mut place = address;
        let mut rest = words;
        while !rest.is_empty() {
            let (part, behind) = rest.split_at(rest.len().min(most));
            self.exchange(Frame::write(0, place, part.to_vec()))?;
            place = place.wrapping_add(4 * part.len() as u32);
            rest = behind;
        }
        Ok(())
    }

    fn time_scale(&self) -> u32 {
        self.transport.pace().time_scale
    }
}
