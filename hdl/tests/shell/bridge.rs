//! Random traffic, good and bad, on lines of many rates: the bridge does what the naive device does.

use abi::frame::{FLAG, Frame, FrameKind};
use abi::uart::UartTiming;

use crate::device::Device;
use crate::line::{ByteLine, LINE_BYTES, Line, UartLine};
use crate::requests::{Symbol, item};
use crate::slave::Memory;
use crate::support::Stimulus;

/// Clock and rate, and by how many millionths the line is faster.
const LINES: [(u32, u32, i32); 12] = [
    (4_000_000, 1_000_000, 0),
    (4_000_000, 1_000_000, 20_000),
    (4_000_000, 1_000_000, -20_000),
    (4_500_000, 1_000_000, 20_000),
    (5_300_000, 1_000_000, -20_000),
    (6_000_000, 1_000_000, 0),
    (25_000_000, 3_000_000, 20_000),
    (25_000_000, 3_000_000, -20_000),
    (12_000_000, 921_600, 5_000),
    (12_000_000, 1_000_000, -20_000),
    (16_000_000, 921_600, 20_000),
    (30_000_000, 1_000_000, 0),
];

/// Sends `items` parts of random traffic and compares all that can be seen after each; the kinds of the answers.
fn run<L: Line>(seed: u64, items: usize, most_words: usize, make: impl Fn(Memory) -> L) -> Vec<FrameKind> {
    let mut stimulus = Stimulus::new(seed);
    let memory = Memory::new(&mut stimulus);
    let mut device = Device::new(memory.clone());
    let mut line = make(memory);
    let (mut expected, mut kinds, mut line_errors) = (vec![], vec![], 0);
    for number in 0..items {
        let item = item(&mut stimulus, &device.memory, most_words);
        for symbol in &item {
            match *symbol {
                Symbol::Byte(byte) => {
                    if let Some(answer) = device.push(byte) {
                        kinds.push(answer.kind);
                        expected.extend(answer.encode());
                    }
                }
                Symbol::Broken(_) => line_errors += 1,
                Symbol::Idle(_) => {}
            }
        }
        line.exchange(&item, kinds.len(), 20_000);
        if stimulus.chance(0.3) {
            line.wait(stimulus.below(60) as u64);
        }
        let context = format!("seed {seed}, item {number}: {item:02x?}");
        let heard = line.heard();
        // The flag that closes an answer comes behind what the host waits for.
        let whole = heard.bytes.len().max(expected.len().saturating_sub(1));
        assert_eq!(heard.bytes, expected[..whole.min(expected.len())], "{context}");
        assert_eq!(*line.memory(), device.memory, "{context}");
        assert_eq!((heard.frame_errors, heard.line_errors), (device.frame_errors, line_errors), "{context}");
    }
    line.wait(60);
    assert_eq!(line.heard().bytes, expected, "nothing comes that nobody asked for");
    kinds
}

/// Every kind of answer is among them, many times.
fn assert_all_kinds(kinds: &[FrameKind], least: usize) {
    for kind in [FrameKind::ReadReply, FrameKind::WriteReply, FrameKind::Refusal] {
        let count = kinds.iter().filter(|found| **found == kind).count();
        assert!(count >= least, "{kind:?} came {count} times");
    }
}

#[test]
fn on_lines_of_bits() {
    let mut kinds = vec![];
    for (number, (clock_hertz, baud, deviation)) in LINES.into_iter().enumerate() {
        let (timing, seed) = (UartTiming::new(clock_hertz, baud).unwrap(), number as u64);
        kinds.extend(run(seed, 40, 5, |memory| UartLine::new(&timing, deviation, memory, seed)));
    }
    assert_all_kinds(&kinds, 50);
}

#[test]
fn on_a_line_of_bytes() {
    let mut kinds = vec![];
    for seed in 100..110 {
        kinds.extend(run(seed, 300, 7, |memory| ByteLine::new(memory, seed)));
    }
    assert_all_kinds(&kinds, 400);
}

#[test]
fn with_long_frames() {
    let kinds = run(77, 150, 256, |memory| ByteLine::new(memory, 77));
    assert_all_kinds(&kinds, 8);
}

fn bytes(frame: &Frame) -> Vec<Symbol> {
    frame.encode().into_iter().map(Symbol::Byte).collect()
}

#[test]
fn the_longest_frames_are_carried_out_and_longer_ones_are_not() {
    let memory = Memory::new(&mut Stimulus::new(1));
    let mut line = ByteLine::new(memory.clone(), 1);
    let words: Vec<u32> = (0..256).map(|word| word * 0x0101_7d7e).collect();
    line.exchange(&bytes(&Frame::write(1, 0x10_0400, words.clone())), 1, 1000);
    let stored: Vec<u32> = (0..256).map(|word| line.memory().words[&(0x10_0400 + 4 * word)]).collect();
    assert_eq!(stored, words);
    line.exchange(&bytes(&Frame::read(2, 0x20_0400, 256)), 2, 20_000);
    line.exchange(&bytes(&Frame::write(3, 0x10_0000, vec![1; 257])), 3, 1000);
    let reply = |kind, sequence, address, count, payload| Frame { kind, sequence, count, address, payload }.encode();
    let expected = [
        reply(FrameKind::WriteReply, 1, 0x10_0400, 256, vec![]),
        reply(
            FrameKind::ReadReply,
            2,
            0x20_0400,
            256,
            (0..256).map(|word| memory.words[&(0x20_0400 + 4 * word)]).collect(),
        ),
        reply(FrameKind::Refusal, 3, 0x10_0000, 4, vec![]),
    ];
    assert_eq!(line.heard().bytes, expected.concat());
    assert_eq!(line.heard().frame_errors, 0);
}

#[test]
fn a_silent_line_in_the_middle_of_a_frame_does_no_harm() {
    let timing = UartTiming::new(4_000_000, 1_000_000).unwrap();
    let mut line = UartLine::new(&timing, 0, Memory::new(&mut Stimulus::new(1)), 1);
    let request = bytes(&Frame::read(9, 0, 2));
    // The last two symbols are the last byte and a flag.
    for cut in 1..request.len() - 1 {
        line.exchange(&request[..cut], usize::MAX, 100);
        assert_eq!(line.heard().answers, cut - 1, "after {cut} bytes");
        line.exchange(&request, cut, 1000);
        assert_eq!(line.heard().answers, cut, "after {cut} bytes");
    }
}

#[test]
fn one_flag_may_end_a_frame_and_begin_the_next() {
    let timing = UartTiming::new(25_000_000, 3_000_000).unwrap();
    let mut line = UartLine::new(&timing, 0, Memory::new(&mut Stimulus::new(1)), 1);
    line.exchange(&[Symbol::Byte(FLAG)], 0, 0);
    for sequence in 0..5 {
        line.exchange(&bytes(&Frame::read(sequence, 0, 1))[1..], usize::from(sequence) + 1, 1000);
        assert_eq!(line.heard().answers, usize::from(sequence) + 1);
    }
    assert_eq!(line.heard().frame_errors, 0);
}

/// Requests that come while one is answered wait, as many as there is room for.
#[test]
fn requests_may_come_before_the_answer_to_the_one_before() {
    let timing = UartTiming::new(6_000_000, 1_000_000).unwrap();
    for early in 0..12 {
        let mut line = UartLine::new(&timing, 0, Memory::new(&mut Stimulus::new(1)), 1);
        let mut symbols = vec![];
        for sequence in 1..=4 {
            symbols.extend(bytes(&Frame::read(sequence, 4 * u32::from(sequence), 1)));
            symbols.push(Symbol::Idle(20 * early));
        }
        line.exchange(&symbols, 4, 2000);
        assert_eq!((line.heard().answers, line.heard().frame_errors), (4, 0), "{} bits between", 20 * early);
    }
}

/// What finds no room is lost, and the bridge is in step again with the next flag.
#[test]
fn requests_beyond_the_room_are_lost_and_nothing_else() {
    let timing = UartTiming::new(6_000_000, 1_000_000).unwrap();
    let mut line = UartLine::new(&timing, 0, Memory::new(&mut Stimulus::new(1)), 1);
    // An answer of some 100 bytes, during which as many bytes of requests come.
    let requests = (0..LINE_BYTES / 14 + 4).flat_map(|index| bytes(&Frame::read(2 + index as u8, 8, 1)));
    let symbols: Vec<Symbol> = bytes(&Frame::read(1, 0, 20)).into_iter().chain(requests).collect();
    line.exchange(&symbols, usize::MAX, 4000);
    let answers = line.heard().answers;
    assert!((1 + LINE_BYTES / 14..5 + LINE_BYTES / 14).contains(&answers), "{answers}");
    line.exchange(&bytes(&Frame::read(99, 8, 1)), answers + 1, 2000);
    assert_eq!(line.heard().answers, answers + 1);
}

#[test]
fn a_reset_drops_what_is_under_way() {
    let timing = UartTiming::new(6_000_000, 1_000_000).unwrap();
    // Into the request of 14 bytes, and into the answer of 22.
    for bits in (5..330).step_by(25) {
        let mut line = UartLine::new(&timing, 0, Memory::new(&mut Stimulus::new(1)), 1);
        let mut symbols = bytes(&Frame::read(1, 0, 1));
        symbols.push(Symbol::Idle(200));
        line.reset_after(&symbols, bits);
        assert_eq!(line.heard().answers, 0, "after {bits} bits");
        line.exchange(&bytes(&Frame::read(2, 4, 1)), 1, 1000);
        assert_eq!(line.heard().answers, 1, "after {bits} bits");
    }
}
