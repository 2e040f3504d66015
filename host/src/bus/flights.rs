//! Requests under way on a serial line, and those that wait for room.

use super::{Access, BusError, Patience};
use crate::transport::{Deadline, TransportError};
use abi::frame::{Frame, FrameKind};
use std::collections::VecDeque;

/// What came while a request was under way and was not its answer.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) bytes: u64,
    pub(super) broken: u64,
    pub(super) late: u64,
    pub(super) echoes: u64,
    pub(super) refused: u64,
    pub(super) jam: Option<TransportError>,
}

/// An attempt at a request that is on the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// Its number among all attempts.
    pub(super) order: u64,
    /// Its bytes on the line.
    pub(super) bytes: usize,
    /// Most bytes of its answer.
    pub(super) answer_bytes: usize,
    /// When it counts as lost.
    pub(super) deadline: Deadline,
}

/// A request until it is answered.
#[derive(Debug)]
pub(super) struct Flight {
    access: Access,
    pub(super) request: Frame,
    /// The sequence numbers of all attempts.
    pub(super) attempts: Vec<u8>,
    /// The last attempt, unless it is known to be lost.
    pub(super) sent: Option<Sent>,
    pub(super) heard: Heard,
}

impl Flight {
    pub(super) fn new(access: Access) -> Self {
        let request = match &access {
            Access::Read { address, words } => Frame::read(0, *address, words.len() as u16),
            Access::Write { address, words } => Frame::write(0, *address, words.clone()),
        };
        Flight { access, request, attempts: Vec::new(), sent: None, heard: Heard::default() }
    }

    /// The access, done, which `answer` answers.
    pub(super) fn done(self, answer: Frame) -> Access {
        match self.access {
            Access::Read { address, .. } => Access::Read { address, words: answer.payload },
            write @ Access::Write { .. } => write,
        }
    }

    /// Whether `frame` answers the last attempt. With the right number but other contents it is left from an earlier
    /// program.
    pub(super) fn is_answered_by(&self, frame: &Frame) -> bool {
        let request = &self.request;
        let is_same = frame.sequence == request.sequence && frame.address == request.address;
        self.sent.is_some()
            && is_same
            && match frame.kind {
                FrameKind::ReadReply => request.kind == FrameKind::Read && frame.count == request.count,
                FrameKind::WriteReply => request.kind == FrameKind::Write,
                FrameKind::Refusal => true,
                FrameKind::Read | FrameKind::Write => false,
            }
    }

    /// Whether `frame` answers an earlier attempt.
    pub(super) fn is_late(&self, frame: &Frame) -> bool {
        self.attempts.contains(&frame.sequence) && frame.address == self.request.address
    }

    /// Why none of the attempts was answered, on a line over which another request was answered or not.
    pub(super) fn diagnosis(&mut self, was_answered: bool) -> BusError {
        let attempts = self.attempts.len() as u32;
        match std::mem::take(&mut self.heard) {
            Heard { jam: Some(jam), .. } => BusError::Transport(jam),
            Heard { refused: refused @ 1.., .. } => BusError::Payload { attempts, refused },
            Heard { late: 1.., .. } => BusError::Late { attempts },
            Heard { echoes: 1.., .. } => BusError::Echo { attempts },
            Heard { bytes: bytes @ 1.., broken, .. } => BusError::Unintelligible { attempts, bytes, broken },
            _ if was_answered => BusError::Stopped { attempts },
            _ => BusError::Silent { attempts },
        }
    }
}

/// All requests that are not answered, in the order in which they were handed over.
#[derive(Debug, Default)]
pub(super) struct Flights(pub(super) VecDeque<Flight>);

impl Flights {
    /// The attempts on the line.
    fn sent(&self) -> impl Iterator<Item = &Sent> {
        self.0.iter().filter_map(|flight| flight.sent.as_ref())
    }

    /// Index of the flight whose attempt has been on the line for longest.
    pub(super) fn oldest(&self) -> Option<usize> {
        let order = |(index, flight): (usize, &Flight)| flight.sent.map(|sent| (sent.order, index));
        self.0.iter().enumerate().filter_map(order).min().map(|(_, index)| index)
    }

    /// Index of the first one that is not on the line.
    pub(super) fn waiting(&self) -> Option<usize> {
        self.0.iter().position(|flight| flight.sent.is_none())
    }

    /// Bytes of requests on the line behind the one that the device takes first.
    pub(super) fn bytes_behind(&self) -> usize {
        let oldest = self.sent().min_by_key(|sent| sent.order).map_or(0, |sent| sent.bytes);
        self.sent().map(|sent| sent.bytes).sum::<usize>() - oldest
    }

    /// Whether nothing is on the line.
    pub(super) fn is_line_free(&self) -> bool {
        self.sent().next().is_none()
    }

    /// Bytes on the line both ways.
    pub(super) fn bytes_under_way(&self) -> usize {
        self.sent().map(|sent| sent.bytes + sent.answer_bytes).sum()
    }
}

/// Attempts at a request on a line over which bytes have come or not.
pub(super) fn most_attempts(patience: &Patience, is_silent: bool) -> usize {
    (if is_silent { patience.silent_attempts } else { patience.attempts }) as usize
}
