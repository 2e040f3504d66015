//! How a device takes frames apart: byte by byte, as hardware does. Words for a window are stored before the checksum
//! behind them is known.

use abi::frame::{CHECKSUM_BYTES, CHECKSUM_POLYNOMIAL, ESCAPE, ESCAPE_FLIP, FLAG, FrameKind, HEADER_BYTES};

/// The header of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    /// `None` where the code stands for no kind of frame.
    pub(super) kind: Option<FrameKind>,
    pub(super) sequence: u8,
    pub(super) count: u16,
    pub(super) address: u32,
}

/// What a byte brings.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// A header with the right checksum.
    Header(Header),
    /// The payload's word of that number.
    Word(u16, u32),
    /// The payload's end, and whether its checksum is right.
    End(bool),
    /// A broken header, or a frame that ends early.
    Broken,
}

/// Where in a frame the next byte belongs.
#[derive(Clone, Copy, Debug)]
enum Place {
    Outside,
    Header,
    Payload { words: u16 },
}

/// Takes frames apart.
#[derive(Clone, Debug)]
pub(super) struct Receiver {
    place: Place,
    escaped: bool,
    /// Bytes of this part of the frame so far.
    bytes: Vec<u8>,
    /// The header without its checksum, once it is whole.
    header: Vec<u8>,
}

impl Receiver {
    pub(super) fn new() -> Self {
        Receiver { place: Place::Outside, escaped: false, bytes: Vec::new(), header: Vec::new() }
    }

    /// Expects the payload of the header that came last.
    pub(super) fn expect_payload(&mut self, words: u16) {
        let header = self.header.clone();
        *self = Receiver { place: Place::Payload { words }, header, ..Receiver::new() };
    }

    fn enter(&mut self, place: Place) {
        *self = Receiver { place, ..Receiver::new() };
    }

    /// Whether the bytes so far end with the checksum of header and payload.
    fn is_whole(&self) -> bool {
        let (data, found) = self.bytes.split_at(self.bytes.len() - CHECKSUM_BYTES);
        let mut remainder = u32::MAX;
        for byte in self.header.iter().chain(data) {
            for bit in 0..8 {
                let feedback = (remainder ^ u32::from(byte >> bit)) & 1;
                remainder = (remainder >> 1) ^ (feedback * CHECKSUM_POLYNOMIAL);
            }
        }
        (!remainder).to_le_bytes() == found
    }

    /// Takes the line's next byte.
    pub(super) fn push(&mut self, byte: u8) -> Option<Event> {
        if byte == FLAG {
            let event = match self.place {
                Place::Payload { .. } => Some(Event::Broken),
                Place::Header if !self.bytes.is_empty() => Some(Event::Broken),
                Place::Header | Place::Outside => None,
            };
            self.enter(Place::Header);
            return event;
        }
        if matches!(self.place, Place::Outside) {
            return None;
        }
        if byte == ESCAPE {
            self.escaped = true;
            return None;
        }
        let byte = if self.escaped { byte ^ ESCAPE_FLIP } else { byte };
        self.escaped = false;
        self.bytes.push(byte);
        let length = self.bytes.len();
        match self.place {
            Place::Header if length == HEADER_BYTES + CHECKSUM_BYTES => Some(self.header()),
            Place::Payload { words } if length == 4 * usize::from(words) + CHECKSUM_BYTES => {
                let is_whole = self.is_whole();
                self.enter(Place::Outside);
                Some(Event::End(is_whole))
            }
            Place::Payload { words } if length.is_multiple_of(4) && length <= 4 * usize::from(words) => {
                let word = self.bytes[length - 4..].iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
                Some(Event::Word((length / 4 - 1) as u16, word))
            }
            _ => None,
        }
    }

    fn header(&mut self) -> Event {
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte));
        let header = Header {
            kind: FrameKind::ALL.into_iter().find(|kind| kind.code() == self.bytes[0]),
            sequence: self.bytes[1],
            count: number(&self.bytes[2..4]) as u16,
            address: number(&self.bytes[4..8]),
        };
        let is_whole = self.is_whole();
        let bytes = self.bytes[..HEADER_BYTES].to_vec();
        self.enter(Place::Outside);
        self.header = bytes;
        if is_whole { Event::Header(header) } else { Event::Broken }
    }
}
