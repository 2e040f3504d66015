//! Accesses as frames over a line that loses and breaks bytes.
//!
//! Requests follow one another without waiting for answers, as far as the device says that it holds them
//! ([`Register::LineBytes`]). The device answers in the order of the line, so that a request is known to be lost as soon
//! as a later one is answered. Where no answer comes in time, all requests on the line count as lost, and they go again
//! one by one until one is answered.
//!
//! Every attempt at a request has a sequence number of its own, and only the answer to the last attempt counts. An
//! answer to an earlier attempt would say just as well that the access took effect, but then the last attempt is still
//! under way: if it breaks there, a device that stores words as they come spoils a window that the host takes for
//! written. The answer to the last attempt says that no attempt is under way any more, since a line keeps the order of
//! its bytes.

use super::flights::{Flight, Flights, Sent, most_attempts};
use super::{Access, Bus, BusError, LineStatistics, Patience};
use crate::transport::{Deadline, Transport, TransportError};
use abi::frame::{CHECKSUM_BYTES, Decoder, Frame, FrameKind, HEADER_BYTES, Refusal, words_for};
use abi::registers::{INPUT_WINDOW, Register};
use std::collections::VecDeque;

/// Most bytes of a header on the line, flags included: every byte may be escaped.
const MAX_HEADER_BYTES: usize = 2 + 2 * (HEADER_BYTES + CHECKSUM_BYTES);

/// The [`Bus`] over frames on a serial line.
#[derive(Debug)]
pub struct FrameBus<T> {
    transport: T,
    patience: Patience,
    decoder: Decoder,
    flights: Flights,
    done: VecDeque<Access>,
    /// Whether the next request must wait for an answer, whatever the device holds.
    is_careful: bool,
    /// Number of the last attempt.
    sequence: u8,
    /// The same, never the same number again.
    order: u64,
    /// Unknown until the first access to a window.
    limits: Option<Limits>,
    statistics: LineStatistics,
}

/// What a device takes.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Most words of a frame for a window.
    words: usize,
    /// Bytes of requests behind one that is being answered.
    line_bytes: usize,
}

impl<T: Transport> FrameBus<T> {
    /// A bus over `transport` with the usual patience.
    pub fn new(transport: T) -> Self {
        FrameBus {
            transport,
            patience: Patience::default(),
            decoder: Decoder::default(),
            flights: Flights::default(),
            done: VecDeque::new(),
            is_careful: false,
            sequence: 0,
            order: 0,
            limits: None,
            statistics: LineStatistics::default(),
        }
    }

    /// The same bus with another patience.
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// The line.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// The line.
    pub fn transport_mut(&mut self) -> &mut T {
        &mut self.transport
    }

    /// What the device takes.
    fn limits(&mut self) -> Result<Limits, BusError> {
        if let Some(limits) = self.limits {
            return Ok(limits);
        }
        let words = self.read_register(Register::FrameWords)? as usize;
        if words == 0 {
            return Err(BusError::NoFrameWords);
        }
        let line_bytes = self.read_register(Register::LineBytes)? as usize;
        let limits = Limits { words: words.min(words_for(line_bytes)), line_bytes };
        self.limits = Some(limits);
        Ok(limits)
    }

    /// Most words of a frame at `address`.
    fn words_at(&mut self, address: u32) -> Result<usize, BusError> {
        if address < INPUT_WINDOW { Ok(1) } else { Ok(self.limits()?.words) }
    }

    /// Whether the device holds a request of `bytes` bytes behind those on the line.
    fn may_send(&self, bytes: usize) -> bool {
        let line_bytes = self.limits.map_or(0, |limits| limits.line_bytes);
        self.flights.is_line_free() || (!self.is_careful && self.flights.bytes_behind() + bytes <= line_bytes)
    }

    /// Whether another request may go at once.
    fn has_room(&self) -> bool {
        self.flights.waiting().is_none() && self.may_send(MAX_HEADER_BYTES)
    }

    /// Runs `accesses`, and gives each to `done`.
    fn transfer(
        &mut self,
        mut accesses: impl Iterator<Item = Access>,
        mut done: impl FnMut(Access),
    ) -> Result<(), BusError> {
        self.abandon();
        loop {
            while self.has_room() {
                let Some(access) = accesses.next() else { break };
                self.post(access)?;
            }
            match self.take()? {
                Some(access) => done(access),
                None => return Ok(()),
            }
        }
    }

    /// Sends what waits, as far as the device holds it.
    fn send(&mut self) -> Result<(), BusError> {
        while let Some(index) = self.flights.waiting() {
            let flight = &mut self.flights.0[index];
            flight.request.sequence = self.sequence.wrapping_add(1);
            let bytes = flight.request.encode();
            let answer_bytes = MAX_HEADER_BYTES + 8 * (usize::from(flight.request.count) + 1);
            if !self.may_send(bytes.len()) {
                return Ok(());
            }
            let under_way = self.flights.bytes_under_way() + bytes.len() + answer_bytes;
            let flight = &mut self.flights.0[index];
            self.sequence = flight.request.sequence;
            self.order += 1;
            flight.attempts.push(self.sequence);
            flight.heard.jam = None;
            let timeout = self.patience.timeout(under_way, flight.attempts.len() as u32, self.transport.pace());
            let deadline = Deadline::after(timeout);
            match self.transport.write(&bytes, timeout) {
                Ok(()) => {
                    self.statistics.bytes_sent += bytes.len() as u64;
                    flight.sent = Some(Sent { order: self.order, bytes: bytes.len(), answer_bytes, deadline });
                }
                Err(jam @ TransportError::Timeout { .. }) => {
                    flight.heard.jam = Some(jam);
                    self.lose(index)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The last attempt at a request is lost.
    fn lose(&mut self, index: usize) -> Result<(), BusError> {
        let is_silent = self.statistics.bytes_received == 0;
        let flight = &mut self.flights.0[index];
        flight.sent = None;
        if flight.attempts.len() >= most_attempts(&self.patience, is_silent) {
            return Err(flight.diagnosis(self.statistics.answered > 0));
        }
        self.statistics.repeated += 1;
        Ok(())
    }

    /// All attempts on the line are lost.
    fn lose_all(&mut self) -> Result<(), BusError> {
        self.is_careful = true;
        while let Some(index) = self.flights.oldest() {
            self.lose(index)?;
        }
        Ok(())
    }

    /// Waits for bytes as long as an answer to the oldest request may take.
    fn listen(&mut self) -> Result<(), BusError> {
        let Some(oldest) = self.flights.oldest() else { return Ok(()) };
        let Some(Sent { deadline, .. }) = self.flights.0[oldest].sent else { return Ok(()) };
        let mut buffer = [0; 512];
        let count = match self.transport.read(&mut buffer, deadline.left()) {
            Ok(count) => count,
            Err(TransportError::Timeout { .. }) => return self.lose_all(),
            Err(error) => return Err(error.into()),
        };
        self.flights.0[oldest].heard.bytes += count as u64;
        self.statistics.bytes_received += count as u64;
        let before = self.statistics.answered;
        for byte in &buffer[..count] {
            match self.decoder.push(*byte) {
                None => {}
                Some(Ok(frame)) => self.receive(frame)?,
                Some(Err(_)) => {
                    self.statistics.broken_frames += 1;
                    if let Some(oldest) = self.flights.oldest() {
                        self.flights.0[oldest].heard.broken += 1;
                    }
                }
            }
        }
        // A line that never falls silent must not hold the host longer than one that does.
        if self.statistics.answered == before && deadline.has_passed() { self.lose_all() } else { Ok(()) }
    }

    /// Takes a whole frame of the line.
    fn receive(&mut self, frame: Frame) -> Result<(), BusError> {
        let Some(index) = self.flights.0.iter().position(|flight| flight.is_answered_by(&frame)) else {
            self.stray(&frame);
            return Ok(());
        };
        let order = self.flights.0[index].sent.map_or(0, |sent| sent.order);
        // The device works in the order of the line: it never got what went before.
        while let Some(older) = self.flights.oldest() {
            if self.flights.0[older].sent.is_none_or(|sent| sent.order >= order) {
                break;
            }
            self.lose(older)?;
        }
        if frame.kind == FrameKind::Refusal {
            return self.refused(index, frame.count);
        }
        if let Some(flight) = self.flights.0.remove(index) {
            self.statistics.answered += 1;
            self.is_careful = false;
            self.done.push_back(flight.done(frame));
        }
        Ok(())
    }

    /// Takes a whole frame that is no answer awaited.
    fn stray(&mut self, frame: &Frame) {
        self.statistics.stray_frames += 1;
        if matches!(frame.kind, FrameKind::Read | FrameKind::Write) {
            if let Some(oldest) = self.flights.oldest() {
                self.flights.0[oldest].heard.echoes += 1;
            }
        } else if let Some(flight) = self.flights.0.iter_mut().find(|flight| flight.is_late(frame)) {
            flight.heard.late += 1;
        }
    }

    /// What a refusal means: that the request may be sent again, or an error.
    fn refused(&mut self, index: usize, code: u16) -> Result<(), BusError> {
        let flight = &mut self.flights.0[index];
        let action = if flight.request.kind == FrameKind::Read { "read" } else { "write" };
        let (address, words) = (flight.request.address, usize::from(flight.request.count));
        Err(match Refusal::from_code(code) {
            Some(Refusal::Payload) => {
                flight.heard.refused += 1;
                self.statistics.refused_payloads += 1;
                return self.lose(index);
            }
            Some(Refusal::Address) => BusError::Address { action, address, words },
            Some(Refusal::Kind) => BusError::Kind { action },
            Some(Refusal::Count) => BusError::Count { action, address, words },
            None => BusError::UnknownRefusal { action, address, code },
        })
    }

    /// The next access that is done, `None` where none is under way.
    fn next_done(&mut self) -> Result<Option<Access>, BusError> {
        loop {
            if let Some(access) = self.done.pop_front() {
                // What waits goes before the caller thinks about the answer.
                self.send()?;
                return Ok(Some(access));
            }
            if self.flights.0.is_empty() {
                return Ok(None);
            }
            self.send()?;
            self.listen()?;
        }
    }
}

impl<T: Transport> Bus for FrameBus<T> {
    fn read(&mut self, address: u32, words: &mut [u32]) -> Result<(), BusError> {
        let most = self.words_at(address)?;
        let count = words.len();
        let part = |first: usize| Access::read(address.wrapping_add(4 * first as u32), most.min(count - first));
        self.transfer((0..count).step_by(most).map(part), |access| {
            let first = (access.address().wrapping_sub(address) / 4) as usize;
            words[first..first + access.words().len()].copy_from_slice(access.words());
        })
    }

    fn write(&mut self, address: u32, words: &[u32]) -> Result<(), BusError> {
        let most = self.words_at(address)?;
        let part = |(index, part): (usize, &[u32])| Access::Write {
            address: address.wrapping_add(4 * (index * most) as u32),
            words: part.to_vec(),
        };
        self.transfer(words.chunks(most).enumerate().map(part), |_| {})
    }

    fn time_scale(&self) -> u32 {
        self.transport.pace().time_scale
    }

    fn post(&mut self, access: Access) -> Result<Option<Access>, BusError> {
        self.flights.0.push_back(Flight::new(access));
        self.send().inspect_err(|_| self.abandon())?;
        Ok(None)
    }

    fn take(&mut self) -> Result<Option<Access>, BusError> {
        self.next_done().inspect_err(|_| self.abandon())
    }

    fn room(&mut self) -> Result<Option<usize>, BusError> {
        let words = self.limits()?.words;
        Ok(self.has_room().then_some(words))
    }

    fn abandon(&mut self) {
        // What is on the line may fill what the device holds.
        self.is_careful |= !self.flights.is_line_free();
        self.flights.0.clear();
        self.done.clear();
    }

    fn statistics(&self) -> LineStatistics {
        self.statistics
    }
}
