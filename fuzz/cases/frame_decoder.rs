//! The decoder of frames against any bytes, and against a second decoder that looks at the whole line at once.

use super::script::Script;
use abi::frame::{Decoder, ESCAPE, ESCAPE_FLIP, FLAG, Frame, FrameError, FrameKind, MAX_WORDS};

type Found = Vec<Result<Frame, FrameError>>;

/// Decodes the bytes as a line, then as a script that makes a line with whole and damaged frames.
pub fn run(data: &[u8]) {
    compare(data);
    let (line, sent) = scripted(data);
    let found = compare(&line);
    if let Some(sent) = sent {
        let whole: Vec<Frame> = found.into_iter().filter_map(Result::ok).collect();
        assert_eq!(whole, sent, "frames sent undamaged between garbage come through");
    }
}

fn compare(line: &[u8]) -> Found {
    let found = decode(line);
    assert_eq!(found, naive(line), "{line:02x?}");
    for frame in found.iter().flatten() {
        assert_eq!(decode(&frame.encode()), [Ok(frame.clone())]);
    }
    found
}

fn decode(line: &[u8]) -> Found {
    let mut decoder = Decoder::default();
    line.iter().filter_map(|byte| decoder.push(*byte)).collect()
}

/// A line that follows from the script, and the frames on it where none was damaged and no garbage may hide one.
fn scripted(data: &[u8]) -> (Vec<u8>, Option<Vec<Frame>>) {
    let mut script = Script(data);
    let (mut line, mut sent, mut is_whole) = (vec![], vec![], true);
    // Garbage since the last frame: fewer bytes than a header has hold no frame, and the next flag ends them.
    let mut garbage = 0;
    while !script.is_empty() {
        match script.byte() % 4 {
            0 => {
                let bytes = script.byte();
                let bytes = script.bytes(bytes.into());
                garbage += bytes.len();
                is_whole &= garbage < 12;
                line.extend(bytes);
            }
            1 | 2 => {
                let frame = script.frame();
                garbage = 0;
                line.extend(frame.encode());
                // Longer ones are refused by their count.
                if frame.payload.len() <= MAX_WORDS {
                    sent.push(frame);
                }
            }
            _ => {
                is_whole = false;
                let mut bytes = script.frame().encode();
                let place = usize::from(script.half()) % bytes.len();
                match script.byte() % 4 {
                    0 => bytes.truncate(place),
                    1 => bytes[place] ^= 1 << (script.byte() % 8),
                    2 => drop(bytes.remove(place)),
                    _ => bytes.insert(place, bytes[place]),
                }
                line.extend(bytes);
            }
        }
    }
    (line, is_whole.then_some(sent))
}

/// What a line holds: between two flags is at most one frame or one fault.
fn naive(line: &[u8]) -> Found {
    let mut pieces = line.split(|byte| *byte == FLAG);
    // What comes before the first flag belongs to nothing.
    pieces.next();
    let pieces: Vec<&[u8]> = pieces.collect();
    let last = pieces.len().saturating_sub(1);
    pieces.iter().enumerate().filter_map(|(index, piece)| of_piece(piece, index < last)).collect()
}

fn of_piece(piece: &[u8], is_ended: bool) -> Option<Result<Frame, FrameError>> {
    let mut bytes = vec![];
    let mut is_escaped = false;
    for byte in piece {
        match (*byte, is_escaped) {
            (ESCAPE, _) => is_escaped = true,
            (byte, true) => {
                bytes.push(byte ^ ESCAPE_FLIP);
                is_escaped = false;
            }
            (byte, false) => bytes.push(byte),
        }
    }
    let short = (is_ended && !bytes.is_empty()).then_some(Err(FrameError::Short));
    let Some(header) = bytes.get(..12) else { return short };
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0u32, |number, byte| number << 8 | u32::from(*byte));
    if checksum(&header[..8]) != number(&header[8..]) {
        return Some(Err(FrameError::Checksum));
    }
    let Some(kind) = FrameKind::ALL.into_iter().find(|kind| kind.code() == header[0]) else {
        return Some(Err(FrameError::Kind { code: header[0] }));
    };
    let count = number(&header[2..4]) as u16;
    let mut frame = Frame { kind, sequence: header[1], count, address: number(&header[4..8]), payload: vec![] };
    if matches!(kind, FrameKind::Write | FrameKind::ReadReply) {
        if usize::from(count) > 256 {
            return Some(Err(FrameError::Count { count }));
        }
        let words = 4 * usize::from(count);
        let Some(payload) = bytes.get(12..12 + words + 4) else { return short };
        let (data, found) = payload.split_at(words);
        if checksum(&[&header[..8], data].concat()) != number(found) {
            return Some(Err(FrameError::Checksum));
        }
        frame.payload = data.chunks(4).map(number).collect();
    }
    Some(Ok(frame))
}

/// CRC-32, bit by bit.
fn checksum(data: &[u8]) -> u32 {
    let mut register = u32::MAX;
    for byte in data {
        for bit in 0..8 {
            let feedback = (register ^ u32::from(byte >> bit)) & 1;
            register = (register >> 1) ^ (feedback * 0xedb8_8320);
        }
    }
    !register
}
