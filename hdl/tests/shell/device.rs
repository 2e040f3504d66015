//! A naive device: what frames mean, byte by byte.

use abi::frame::{
    CHECKSUM_BYTES, CHECKSUM_POLYNOMIAL, ESCAPE, ESCAPE_FLIP, FLAG, Frame, FrameKind, HEADER_BYTES, MAX_WORDS, Refusal,
};
use abi::registers::INPUT_WINDOW;

use crate::slave::Memory;

/// Takes the bytes of a line and says what is answered.
pub struct Device {
    pub memory: Memory,
    pub frame_errors: usize,
    inside: bool,
    escaped: bool,
    bytes: Vec<u8>,
    refusal: Option<Refusal>,
}

impl Device {
    pub fn new(memory: Memory) -> Device {
        Device { memory, frame_errors: 0, inside: false, escaped: false, bytes: vec![], refusal: None }
    }

    /// Takes a byte; answers where it completes a request.
    pub fn push(&mut self, byte: u8) -> Option<Frame> {
        let escaped = std::mem::take(&mut self.escaped);
        if byte == FLAG {
            self.frame_errors += usize::from(self.inside && !self.bytes.is_empty());
            self.inside = true;
            self.bytes.clear();
            self.refusal = None;
            return None;
        }
        if byte == ESCAPE {
            self.escaped = true;
            return None;
        }
        if !self.inside {
            return None;
        }
        self.bytes.push(if escaped { byte ^ ESCAPE_FLIP } else { byte });
        let answer = self.evaluate();
        if answer.is_some() {
            self.inside = false;
        }
        answer
    }

    fn evaluate(&mut self) -> Option<Frame> {
        const HEADER: usize = HEADER_BYTES + CHECKSUM_BYTES;
        let length = self.bytes.len();
        if length < HEADER {
            return None;
        }
        let [kind, sequence, count_low, count_high, a, b, c, d] = self.bytes[..HEADER_BYTES].try_into().unwrap();
        let count = u16::from_le_bytes([count_low, count_high]);
        let address = u32::from_le_bytes([a, b, c, d]);
        let answer = |kind, count, payload| Some(Frame { kind, sequence, count, address, payload });
        let refuse = |refusal: Refusal| answer(FrameKind::Refusal, refusal.code(), vec![]);
        let (is_read, is_write) = (kind == FrameKind::Read.code(), kind == FrameKind::Write.code());
        let is_register = address < INPUT_WINDOW;
        let place = |index: usize| address.wrapping_add(4 * index as u32);
        if length == HEADER {
            if !is_right(&[], &self.bytes) {
                self.frame_errors += 1;
                self.inside = false;
                return None;
            }
            if !is_read && !is_write {
                return refuse(Refusal::Kind);
            }
            if count == 0 || usize::from(count) > MAX_WORDS || (is_write && is_register && count != 1) {
                return refuse(Refusal::Count);
            }
            if !address.is_multiple_of(4) {
                return refuse(Refusal::Address);
            }
            if is_read {
                let words: Option<Vec<u32>> = (0..count.into()).map(|index| self.memory.read(place(index))).collect();
                return words
                    .map_or_else(|| refuse(Refusal::Address), |words| answer(FrameKind::ReadReply, count, words));
            }
            return None;
        }
        let payload = &self.bytes[HEADER..];
        let bytes = 4 * usize::from(count);
        let word = |index: usize| u32::from_le_bytes(payload[4 * index..4 * index + 4].try_into().unwrap());
        if payload.len() <= bytes && payload.len().is_multiple_of(4) && !is_register && self.refusal.is_none() {
            let index = payload.len() / 4 - 1;
            if self.memory.can_write(place(index)) {
                self.memory.words.insert(place(index), word(index));
            } else {
                self.refusal = Some(Refusal::Address);
            }
        }
        if payload.len() < bytes + CHECKSUM_BYTES {
            return None;
        }
        if !is_right(&self.bytes[..HEADER_BYTES], payload) {
            self.frame_errors += 1;
            return refuse(Refusal::Payload);
        }
        if is_register && self.memory.can_write(address) {
            self.memory.words.insert(address, word(0));
        } else if is_register {
            return refuse(Refusal::Address);
        }
        self.refusal.map_or_else(|| answer(FrameKind::WriteReply, count, vec![]), refuse)
    }
}

/// Whether `bytes` end with the checksum of `before` and of those before it.
fn is_right(before: &[u8], bytes: &[u8]) -> bool {
    let (data, found) = bytes.split_at(bytes.len() - CHECKSUM_BYTES);
    found == checksum(&[before, data].concat()).to_le_bytes()
}

/// The checksum of frames.
pub fn checksum(data: &[u8]) -> u32 {
    let bit = |remainder: u32, bit: u8| {
        let feedback = (remainder ^ u32::from(bit)) & 1;
        (remainder >> 1) ^ (feedback * CHECKSUM_POLYNOMIAL)
    };
    let bits = data.iter().flat_map(|byte| (0..8).map(move |place| byte >> place & 1));
    !bits.fold(u32::MAX, bit)
}
