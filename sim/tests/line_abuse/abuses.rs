//! What may happen to a line: each abuse is levels that follow from a seed.

use abi::frame::{ESCAPE, FLAG, Frame};
use abi::registers::{Access, INPUT_WINDOW, OUTPUT_WINDOW, Register, WEIGHT_WINDOW};
use abi::uart::{LineEncoder, UartTiming};
use rand::{Rng, RngExt};
use sim::board::Levels;

/// Bytes at the line's own rate.
pub fn bytes(timing: &UartTiming, bytes: &[u8]) -> Levels {
    let mut encoder = LineEncoder::new(timing);
    bytes.iter().for_each(|byte| encoder.push(*byte));
    let mut levels = Levels::default();
    while !encoder.is_idle() {
        levels.push(encoder.next_level());
    }
    levels
}

/// Bytes at `percent` percent of the line's rate.
pub fn bytes_at(timing: &UartTiming, percent: u64, bytes: &[u8]) -> Levels {
    let mut levels = Levels::default();
    let (mut bits, mut cycles) = (0, 0);
    for byte in bytes {
        let data = (0..8).map(|bit| byte >> bit & 1 == 1);
        for level in std::iter::once(false).chain(data).chain([true]) {
            bits += 1;
            let end = 100 * bits * u64::from(timing.clock_hertz()) / (u64::from(timing.baud()) * percent);
            levels.extend(level, (end - cycles) as u32);
            cycles = end;
        }
    }
    levels
}

/// The line is 0 for so many bits, many bytes long, then 1.
pub fn line_break(timing: &UartTiming, bits: u32) -> Levels {
    let mut levels = Levels::default();
    levels.extend(false, bits * timing.clock_hertz().div_ceil(timing.baud()));
    levels.extend(true, timing.clock_hertz().div_ceil(timing.baud()));
    levels
}

/// Levels of random durations up to `longest` cycles, `cycles` in all.
pub fn noise(random: &mut impl Rng, longest: u32, cycles: u64) -> Levels {
    let mut levels = Levels::default();
    while levels.cycles() < cycles {
        levels.extend(random.random_bool(0.5), random.random_range(1..=longest));
    }
    levels
}

/// A silent line with pulses shorter than half a bit.
pub fn glitches(random: &mut impl Rng, timing: &UartTiming, count: usize) -> Levels {
    let half_bit = timing.clock_hertz() / timing.baud() / 2;
    let mut levels = Levels::default();
    for _ in 0..count {
        levels.extend(false, random.random_range(1..half_bit.max(2)));
        levels.extend(true, random.random_range(2 * half_bit + 2..40 * half_bit));
    }
    levels
}

/// `levels` with single cycles flipped, each with the given probability.
pub fn with_glitches(random: &mut impl Rng, levels: &Levels, probability: f64) -> Levels {
    let mut glitched = Levels::default();
    levels.iter().for_each(|level| glitched.push(level ^ random.random_bool(probability)));
    glitched
}

/// Flags and escapes in any order.
pub fn flags_and_escapes(random: &mut impl Rng, count: usize) -> Vec<u8> {
    let escapes = random.random_range(0.0..1.0);
    (0..count).map(|_| if random.random_bool(escapes) { ESCAPE } else { FLAG }).collect()
}

/// A header of any content with the right checksum, and some words behind it.
pub fn header(kind: u8, count: u16, address: u32, words: usize) -> Vec<u8> {
    // Of any kind, so that its checksum is made here.
    let mut header = vec![kind, 0x55];
    header.extend(count.to_le_bytes());
    header.extend(address.to_le_bytes());
    let mut register = u32::MAX;
    for bit in header.iter().flat_map(|byte| (0..8).map(move |bit| u32::from(byte >> bit & 1))) {
        register = (register >> 1) ^ (((register ^ bit) & 1) * abi::frame::CHECKSUM_POLYNOMIAL);
    }
    header.extend((!register).to_le_bytes());
    header.extend((0..4 * words as u32).map(|byte| byte as u8));
    let mut stuffed = vec![FLAG];
    for byte in header {
        match byte {
            FLAG | ESCAPE => stuffed.extend([ESCAPE, byte ^ abi::frame::ESCAPE_FLIP]),
            _ => stuffed.push(byte),
        }
    }
    stuffed.push(FLAG);
    stuffed
}

/// Whole requests that a device must refuse, each with its name.
pub fn refused(image_words: usize) -> Vec<(String, Vec<u8>)> {
    let read = |address, count| (format!("read {count} at {address:#x}"), Frame::read(1, address, count).encode());
    let write = |address, words: usize| {
        let words: Vec<u32> = (0..words as u32).map(|word| word.wrapping_mul(0x0701_3507)).collect();
        (format!("write {} at {address:#x}", words.len()), Frame::write(1, address, words).encode())
    };
    let mut requests = vec![
        read(0, 0),
        read(0, u16::MAX),
        read(OUTPUT_WINDOW, 0),
        read(OUTPUT_WINDOW, u16::MAX),
        read(1, 1),
        read(OUTPUT_WINDOW + 2, 1),
        read(INPUT_WINDOW, 1),
        read(OUTPUT_WINDOW - 4, 2),
        read(0x30_0000, 1),
        read(0xffff_fffc, 1),
        read(WEIGHT_WINDOW, 1),
        write(Register::Session.address(), 0),
        write(Register::Session.address(), 2),
        write(Register::Session.address() + 1, 1),
        write(INPUT_WINDOW, 0),
        write(INPUT_WINDOW + 3, image_words),
        write(OUTPUT_WINDOW, 1),
        write(0x30_0000, 3),
        write(0xffff_fffc, 1),
        write(WEIGHT_WINDOW, 1),
        ("write 65535 words to a window".into(), header(2, u16::MAX, INPUT_WINDOW, 3)),
        ("write 0 words to a register".into(), header(2, 0, Register::Session.address(), 1)),
    ];
    let fixed = Register::ALL.into_iter().filter(|register| register.access() != Access::ReadWrite);
    requests.extend(fixed.map(|register| write(register.address(), 1)));
    let kinds = (0..=u8::MAX).filter(|kind| ![1, 2].contains(kind)).step_by(17).chain([0x81, 0x82, 0xff, 3, 0]);
    requests.extend(kinds.map(|kind| (format!("kind {kind:#04x}"), header(kind, 1, Register::Session.address(), 0))));
    requests
}
