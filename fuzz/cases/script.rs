//! Bytes of the fuzzer as choices. An input that has ended gives zeros.

use abi::frame::{Frame, FrameKind};

/// The rest of an input.
pub struct Script<'a>(pub &'a [u8]);

impl Script<'_> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub fn half(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    pub fn word(&mut self) -> u32 {
        u32::from(self.half()) | u32::from(self.half()) << 16
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let count = count.min(self.0.len());
        let (bytes, rest) = self.0.split_at(count);
        self.0 = rest;
        bytes.to_vec()
    }

    /// A frame of any kind with right checksums: fuzzers do not find those.
    pub fn frame(&mut self) -> Frame {
        let kind = FrameKind::ALL[usize::from(self.byte()) % FrameKind::ALL.len()];
        let (sequence, count, address) = (self.byte(), self.half(), self.word());
        let words = if kind.has_payload() { usize::from(count) % 300 } else { 0 };
        let count = if kind.has_payload() { words as u16 } else { count };
        Frame { kind, sequence, count, address, payload: (0..words).map(|_| self.word()).collect() }
    }
}
