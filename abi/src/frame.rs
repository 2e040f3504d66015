//! Frames: register accesses as bytes on a serial line.
//!
//! Bytes are framed and stuffed as in RFC 1662 (PPP in HDLC-like framing), section 4: a [`FLAG`] begins and ends a
//! frame, and inside, [`FLAG`] and [`ESCAPE`] are sent as [`ESCAPE`] and the byte with bit 5 flipped. A flag always
//! begins anew, so a receiver that met garbage is back in step with the next frame. Numbers are little-endian.
//!
//! ```text
//! kind (1) · sequence (1) · count (2) · address (4) · CRC-32 of these 8 bytes (4)
//!     then, where the kind has a payload: count words (4 each) · CRC-32 of header and payload (4)
//! ```
//!
//! The checksum is the CRC-32 of IEEE 802.3. The header has its own, so that a device can write payload words to a
//! window while they arrive; a word for a register takes effect after the payload's checksum. That one is over the header's
//! 8 bytes and the payload: where the line loses the end of one frame and the beginning of the next, one frame's words
//! would otherwise pass for those of the other, and a header that it repeats for a payload of two words.
//!
//! A frame that ends early or whose header is broken gets no answer. Every other request gets one, of kind
//! [`FrameKind::ReadReply`], [`FrameKind::WriteReply`] or [`FrameKind::Refusal`], with the request's sequence number and
//! address. The sequence number is the host's choice and tells late answers from awaited ones. A host that repeats a
//! write to a window gives each attempt a number of its own and waits for the answer to the last one: what an earlier
//! attempt stored, a later one that breaks on its way may spoil again.

use thiserror::Error;

/// Begins and ends a frame.
pub const FLAG: u8 = 0x7e;

/// Announces a flipped byte.
pub const ESCAPE: u8 = 0x7d;

/// What an escaped byte is flipped with.
pub const ESCAPE_FLIP: u8 = 0x20;

/// Bytes of a header without its checksum.
pub const HEADER_BYTES: usize = 8;

/// Bytes of a checksum.
pub const CHECKSUM_BYTES: usize = 4;

/// The checksum's polynomial, lowest power in the highest bit.
pub const CHECKSUM_POLYNOMIAL: u32 = 0xedb8_8320;

/// Most words of a payload.
pub const MAX_WORDS: usize = 256;

/// Bytes of a frame besides its words, where as many of 256 words are escaped as among random ones.
const USUAL_BYTES: usize = 2 + HEADER_BYTES + 2 * CHECKSUM_BYTES + 8;

/// Least words of the frames that a host sends, even if the device then holds only one behind another.
const MIN_WORDS: usize = 112;

/// Words of the frames with which a host fills the line to a device that [holds](crate::registers::Register::LineBytes)
/// `line_bytes` bytes of it: two of them behind the one that is being answered, if they are long enough to be worth it.
pub fn words_for(line_bytes: usize) -> usize {
    if line_bytes == 0 {
        return MAX_WORDS;
    }
    ((line_bytes / 2).saturating_sub(USUAL_BYTES) / 4).clamp(MIN_WORDS, MAX_WORDS)
}

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// Asks for `count` words from `address` on. No payload.
    Read,
    /// Gives `count` words to store from `address` on.
    Write,
    /// Answers [`FrameKind::Read`] with the words.
    ReadReply,
    /// Answers [`FrameKind::Write`]: the words are stored. No payload.
    WriteReply,
    /// Answers a request that was not carried out, or not in whole: `count` is the [`Refusal`]. No payload.
    Refusal,
}

impl FrameKind {
    /// Every kind.
    pub const ALL: [FrameKind; 5] =
        [FrameKind::Read, FrameKind::Write, FrameKind::ReadReply, FrameKind::WriteReply, FrameKind::Refusal];

    /// The header's first byte.
    pub const fn code(self) -> u8 {
        match self {
            FrameKind::Read => 0x01,
            FrameKind::Write => 0x02,
            FrameKind::ReadReply => 0x81,
            FrameKind::WriteReply => 0x82,
            FrameKind::Refusal => 0xff,
        }
    }

    /// Whether `count` words follow the header.
    pub const fn has_payload(self) -> bool {
        matches!(self, FrameKind::Write | FrameKind::ReadReply)
    }
}

/// Why a device did not carry out a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The payload's checksum was wrong. Words for a window may have been stored, a word for a register was not.
    Payload,
    /// No word lies at an address, or it cannot be written. Addresses between two registers read as 0.
    Address,
    /// The kind is none of a request.
    Kind,
    /// No words, more than [`Register::FrameWords`](crate::registers::Register::FrameWords), or more than one to write to
    /// registers.
    Count,
}

impl Refusal {
    /// Every reason.
    pub const ALL: [Refusal; 4] = [Refusal::Payload, Refusal::Address, Refusal::Kind, Refusal::Count];

    /// The header's count.
    pub const fn code(self) -> u16 {
        match self {
            Refusal::Payload => 1,
            Refusal::Address => 2,
            Refusal::Kind => 3,
            Refusal::Count => 4,
        }
    }

    /// The reason that a header's count stands for.
    pub fn from_code(code: u16) -> Option<Self> {
        Refusal::ALL.into_iter().find(|refusal| refusal.code() == code)
    }
}

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is for.
    pub kind: FrameKind,
    /// The host's number of the request.
    pub sequence: u8,
    /// Number of words, or the code of a [`Refusal`].
    pub count: u16,
    /// Byte address of the first word.
    pub address: u32,
    /// The words, where the kind has them.
    pub payload: Vec<u32>,
}

impl Frame {
    /// A request for `count` words from `address` on.
    pub fn read(sequence: u8, address: u32, count: u16) -> Self {
        Frame { kind: FrameKind::Read, sequence, count, address, payload: Vec::new() }
    }

    /// A request to store `payload`, at most [`MAX_WORDS`] words, from `address` on.
    pub fn write(sequence: u8, address: u32, payload: Vec<u32>) -> Self {
        Frame { kind: FrameKind::Write, sequence, count: payload.len() as u16, address, payload }
    }

    /// The bytes to send, flags included.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.kind.code(), self.sequence];
        bytes.extend(self.count.to_le_bytes());
        bytes.extend(self.address.to_le_bytes());
        bytes.extend(checksum(&[&bytes]));
        if self.kind.has_payload() {
            let payload: Vec<u8> = self.payload.iter().flat_map(|word| word.to_le_bytes()).collect();
            let sum = checksum(&[&bytes[..HEADER_BYTES], &payload]);
            bytes.extend(payload);
            bytes.extend(sum);
        }
        let mut stuffed = vec![FLAG];
        for byte in bytes {
            match byte {
                FLAG | ESCAPE => stuffed.extend([ESCAPE, byte ^ ESCAPE_FLIP]),
                _ => stuffed.push(byte),
            }
        }
        stuffed.push(FLAG);
        stuffed
    }
}

/// Bytes that are no frame. The decoder has dropped them and goes on with the next flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// A flag came before the end that the header promised.
    #[error("a frame ended early")]
    Short,
    /// A checksum is wrong.
    #[error("a frame has a wrong checksum")]
    Checksum,
    /// A right checksum, but a kind that does not exist.
    #[error("a frame is of the unknown kind {code:#04x}")]
    Kind {
        /// The header's first byte.
        code: u8,
    },
    /// A right checksum, but more words than frames have.
    #[error("a frame has {count} words")]
    Count {
        /// The header's count.
        count: u16,
    },
}

/// Finds frames among the bytes of a line.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    escaped: bool,
    /// Whether bytes belong to a frame: after a flag, and until the frame is whole or found broken.
    inside: bool,
}

impl Decoder {
    /// Takes the line's next byte; answers where it completes or breaks a frame.
    pub fn push(&mut self, byte: u8) -> Option<Result<Frame, FrameError>> {
        if byte == FLAG {
            let cut = self.inside && !self.bytes.is_empty();
            *self = Decoder { inside: true, ..Decoder::default() };
            return cut.then_some(Err(FrameError::Short));
        }
        if !self.inside {
            return None;
        }
        if byte == ESCAPE {
            self.escaped = true;
            return None;
        }
        self.bytes.push(if self.escaped { byte ^ ESCAPE_FLIP } else { byte });
        self.escaped = false;
        let found = parse(&self.bytes).transpose();
        if found.is_some() {
            *self = Decoder::default();
        }
        found
    }
}

/// The frame that `bytes` are, `None` where bytes are missing.
fn parse(bytes: &[u8]) -> Result<Option<Frame>, FrameError> {
    const HEADER: usize = HEADER_BYTES + CHECKSUM_BYTES;
    if bytes.len() < HEADER {
        return Ok(None);
    }
    let (header, payload) = bytes.split_at(HEADER);
    if header.len() == bytes.len() {
        check(&[], header)?;
    }
    let [code, sequence, count_low, count_high, a, b, c, d] = header[..HEADER_BYTES] else {
        return Ok(None);
    };
    let kind = FrameKind::ALL.into_iter().find(|kind| kind.code() == code).ok_or(FrameError::Kind { code })?;
    let count = u16::from_le_bytes([count_low, count_high]);
    let mut frame = Frame { kind, sequence, count, address: u32::from_le_bytes([a, b, c, d]), payload: Vec::new() };
    if !kind.has_payload() {
        return Ok(Some(frame));
    }
    if usize::from(count) > MAX_WORDS {
        return Err(FrameError::Count { count });
    }
    let words = 4 * usize::from(count);
    if payload.len() < words + CHECKSUM_BYTES {
        return Ok(None);
    }
    check(&header[..HEADER_BYTES], payload)?;
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
    frame.payload = payload[..words].chunks(4).map(word).collect();
    Ok(Some(frame))
}

/// Checks that `bytes` end with the checksum of `before` and those before it.
fn check(before: &[u8], bytes: &[u8]) -> Result<(), FrameError> {
    let (data, found) = bytes.split_at(bytes.len() - CHECKSUM_BYTES);
    if checksum(&[before, data]) == found { Ok(()) } else { Err(FrameError::Checksum) }
}

/// The checksum of `parts`, one after the other.
fn checksum(parts: &[&[u8]]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(bytes: &[u8]) -> Vec<Result<Frame, FrameError>> {
        let mut decoder = Decoder::default();
        bytes.iter().filter_map(|byte| decoder.push(*byte)).collect()
    }

    fn frames() -> impl Strategy<Value = Frame> {
        // Bytes that need escapes come often.
        let word = prop_oneof![any::<u32>(), Just(0x7d7e_7d7e), Just(0x5d5e_7e00)];
        let payload = proptest::collection::vec(word, 0..40);
        (0usize..5, any::<u8>(), any::<u32>(), payload, any::<u16>()).prop_map(
            |(kind, sequence, address, payload, count)| {
                let kind = FrameKind::ALL[kind];
                match kind.has_payload() {
                    true => Frame { kind, sequence, count: payload.len() as u16, address, payload },
                    false => Frame { kind, sequence, count, address, payload: vec![] },
                }
            },
        )
    }

    proptest! {
        #[test]
        fn frames_round_trip_between_garbage(
            frames in proptest::collection::vec((frames(), proptest::collection::vec(any::<u8>(), 0..30)), 1..5),
        ) {
            let line: Vec<u8> = frames.iter().flat_map(|(frame, garbage)| [garbage.clone(), frame.encode()].concat()).collect();
            let found: Vec<Frame> = decode(&line).into_iter().filter_map(Result::ok).collect();
            let sent: Vec<Frame> = frames.into_iter().map(|(frame, _)| frame).collect();
            prop_assert_eq!(found, sent);
        }

        #[test]
        fn a_flipped_bit_is_found(frame in frames(), position in any::<proptest::sample::Index>(), bit in 0u8..8) {
            let mut line = frame.encode();
            // The closing flag says nothing that the header does not.
            let position = position.index(line.len() - 1);
            line[position] ^= 1 << bit;
            line.extend([FLAG; 2]);
            let found: Vec<Frame> = decode(&line).into_iter().filter_map(Result::ok).collect();
            prop_assert_eq!(found, vec![]);
        }

        #[test]
        fn any_bytes_decode(line in proptest::collection::vec(any::<u8>(), 0..300)) {
            decode(&line);
        }
    }

    #[test]
    fn bytes_lie_as_documented() {
        let bytes = Frame::write(7, 0x10, vec![0x7e]).encode();
        let header = [0x02, 7, 1, 0, 0x10, 0, 0, 0];
        let mut expected = vec![FLAG];
        expected.extend(header);
        expected.extend(crc32fast::hash(&header).to_le_bytes());
        expected.extend([ESCAPE, 0x5e, 0, 0, 0]);
        expected.extend(checksum(&[&header, &[0x7e, 0, 0, 0]]));
        expected.push(FLAG);
        assert_eq!(bytes, expected);
    }

    #[test]
    fn a_repeated_header_is_no_payload() {
        let bytes = Frame::write(1, 0x20, vec![1, 2]).encode();
        let header = &bytes[..1 + HEADER_BYTES + CHECKSUM_BYTES];
        assert_eq!(decode(&[header, &header[1..], &bytes[header.len()..]].concat()), [Err(FrameError::Checksum)]);
    }

    /// Answers to different requests, between which the line has lost as much as a frame is long.
    #[test]
    fn words_of_another_frame_are_no_payload() {
        let reply = |sequence, address, word| Frame {
            kind: FrameKind::ReadReply,
            sequence,
            count: 1,
            address,
            payload: vec![word],
        };
        let frames = [(reply(1, 0x38, 0xabcd), reply(2, 0x14, 8)), (reply(1, 0x14, 7), reply(2, 0x14, 8))];
        for (first, second) in frames {
            let lines = [first.encode(), second.encode()].concat();
            let header = 1 + HEADER_BYTES + CHECKSUM_BYTES;
            let spliced = [&lines[..header], &lines[first.encode().len() + header..]].concat();
            assert_eq!(decode(&spliced), [Err(FrameError::Checksum)]);
        }
    }

    #[test]
    fn broken_frames_are_named() {
        let whole = Frame::read(1, 0, 1).encode();
        assert_eq!(decode(&[&whole[..8], &whole[..]].concat()), [Err(FrameError::Short), Ok(Frame::read(1, 0, 1))]);
        let mut unknown = vec![0x33, 0, 0, 0, 0, 0, 0, 0];
        unknown.extend(crc32fast::hash(&unknown).to_le_bytes());
        unknown.insert(0, FLAG);
        assert_eq!(decode(&unknown), [Err(FrameError::Kind { code: 0x33 })]);
    }
}
