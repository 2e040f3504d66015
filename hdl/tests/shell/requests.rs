//! What a line may carry: good requests, refused ones, broken ones, and noise.

use abi::frame::{FLAG, Frame};
use abi::registers::{INPUT_WINDOW, OUTPUT_WINDOW};

use crate::device::checksum;
use crate::slave::Memory;
use crate::support::Stimulus;

/// A byte on the line, or none for a while.
#[derive(Clone, Copy, Debug)]
pub enum Symbol {
    Byte(u8),
    /// Without a stop bit.
    Broken(u8),
    /// Silence for some bits.
    Idle(usize),
}

impl Symbol {
    /// The byte that arrives, if one does.
    pub fn byte(self) -> Option<u8> {
        match self {
            Symbol::Byte(byte) => Some(byte),
            Symbol::Broken(_) | Symbol::Idle(_) => None,
        }
    }
}

/// A part of the traffic; at most one answer may come, and it is awaited.
pub type Item = Vec<Symbol>;

fn symbols(bytes: &[u8]) -> Item {
    bytes.iter().copied().map(Symbol::Byte).collect()
}

/// A request that is carried out.
fn good(stimulus: &mut Stimulus, memory: &Memory, most: usize) -> Frame {
    let sequence = stimulus.below(256) as u8;
    let count = 1 + stimulus.below(most);
    let inside = |range: &std::ops::Range<u32>, stimulus: &mut Stimulus| {
        let words = (range.len() / 4).min(count);
        (range.start + 4 * stimulus.below(range.len() / 4 - words + 1) as u32, words)
    };
    let (ranges, is_read) = if stimulus.chance(0.5) { (&memory.readable, true) } else { (&memory.writable, false) };
    let (address, words) = inside(&ranges[stimulus.below(ranges.len())], stimulus);
    if is_read {
        return Frame::read(sequence, address, words as u16);
    }
    Frame::write(sequence, address, (0..words).map(|_| word(stimulus)).collect())
}

/// A word; those that need escapes come often.
fn word(stimulus: &mut Stimulus) -> u32 {
    if stimulus.chance(0.3) { 0x7d7e_7d7e } else { stimulus.word(32).low() as u32 }
}

/// A request that the device refuses, for a reason of its header or address.
fn refused(stimulus: &mut Stimulus) -> Frame {
    let sequence = stimulus.below(256) as u8;
    let words = |count: usize, stimulus: &mut Stimulus| (0..count).map(|_| word(stimulus)).collect::<Vec<_>>();
    let unknown = |stimulus: &mut Stimulus| [0x60, 0x10_0800, 0x20_0800, 0x30_0000, 0xffff_fffc][stimulus.below(5)];
    match stimulus.below(9) {
        0 => Frame::read(sequence, unknown(stimulus), 1 + stimulus.below(3) as u16),
        1 => Frame::write(sequence, unknown(stimulus), words(1, stimulus)),
        // Over the end of what there is, or out of it and back to address 0.
        2 => Frame::read(sequence, [0x58, OUTPUT_WINDOW + 0x7f8][stimulus.below(2)], 3 + stimulus.below(3) as u16),
        3 => Frame::write(
            sequence,
            [INPUT_WINDOW + 0x7fc, OUTPUT_WINDOW - 4, 0xffff_fff8][stimulus.below(3)],
            words(5, stimulus),
        ),
        4 => Frame::read(sequence, 0, [0, 257, 0x0200, 0xffff][stimulus.below(4)]),
        5 => Frame::write(sequence, 0x10, words([0, 2, 3][stimulus.below(3)], stimulus)),
        6 => Frame::write(sequence, INPUT_WINDOW, vec![]),
        7 => Frame::read(sequence, 0x21 + stimulus.below(3) as u32, 1),
        _ => Frame::write(sequence, INPUT_WINDOW + 1 + stimulus.below(3) as u32, words(2, stimulus)),
    }
}

/// Whole headers of kinds that no request has.
fn unknown_kind(stimulus: &mut Stimulus) -> Item {
    let kind = [0x00, 0x03, 0x81, 0x82, 0xff, 0x41, 0x05][stimulus.below(7)];
    let mut bytes = vec![kind, stimulus.below(0x70) as u8, 1, 0, 0x10, 0, 0, 0];
    bytes.extend(checksum(&bytes).to_le_bytes());
    // A checksum that needs escapes would be another frame.
    if bytes.iter().any(|byte| matches!(byte, 0x7d | 0x7e)) {
        return vec![];
    }
    bytes.insert(0, FLAG);
    bytes.push(FLAG);
    symbols(&bytes)
}

/// The next part of the traffic. Broken requests are ones that would have been carried out, so that what is left of them
/// is no request before an answer ends.
pub fn item(stimulus: &mut Stimulus, memory: &Memory, most: usize) -> Item {
    let mut item = symbols(&good(stimulus, memory, most).encode());
    let position = stimulus.below(item.len());
    match stimulus.below(14) {
        0 => {
            let byte = stimulus.below(256) as u8;
            item[position] = Symbol::Byte(byte);
        }
        1 => {
            if let Symbol::Byte(byte) = item[position] {
                item[position] = Symbol::Byte(byte ^ 1 << stimulus.below(8));
            }
        }
        2 => {
            if let Symbol::Byte(byte) = item[position] {
                item[position] = Symbol::Broken(byte);
            }
        }
        3 => item.truncate(position),
        4 => {
            item.remove(position);
        }
        5 => item = (0..stimulus.below(30)).map(|_| Symbol::Byte(stimulus.below(256) as u8)).collect(),
        6 => item = vec![Symbol::Byte(FLAG); stimulus.below(4)],
        7 | 8 => item = symbols(&refused(stimulus).encode()),
        9 => item = unknown_kind(stimulus),
        10 => item.insert(position, Symbol::Idle(stimulus.below(200))),
        // The flag that ended the frame before begins this one, where there was one.
        11 => {
            item.remove(0);
        }
        _ => {}
    }
    item
}
