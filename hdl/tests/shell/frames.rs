//! The parts that frames are made of, and the bridge against its Verilog.

use abi::frame::{ESCAPE, FLAG};
use abi::uart::{LineEncoder, UartTiming};
use hdl::shell::checksum::Checksum;
use hdl::shell::frame_bridge::FrameBridge;
use hdl::shell::frame_receiver::FrameReceiver;
use hdl::shell::frame_transmitter::FrameTransmitter;
use hdl::shell::request_header::RequestHeader;
use hdl::shell::uart_bridge::UartBridge;
use hdl::wire::{Simulation, Word};

use crate::device::checksum;
use crate::line::push;
use crate::requests::{Symbol, item};
use crate::slave::{Memory, Slave};
use crate::support::{Bench, Stimulus};

#[test]
fn a_checksum_passes_and_is_checked_and_another_one_follows() {
    let mut stimulus = Stimulus::new(1);
    let mut simulation = Simulation::new(Checksum::new());
    simulation.top.start.next = true;
    simulation.step().unwrap();
    simulation.top.start.next = false;
    let mut before = vec![];
    for spoiled in [false, false, true, true] {
        let data: Vec<u8> = (0..stimulus.below(9)).map(|_| stimulus.word(8).low() as u8).collect();
        before.extend(&data);
        let sum = checksum(&before);
        let drained = sum ^ if spoiled { 1 << stimulus.below(32) } else { 0 };
        let bits = |bytes: &[u8]| -> Vec<bool> {
            bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1)).collect()
        };
        for (drain, bits) in [(false, bits(&data)), (true, bits(&drained.to_le_bytes()))] {
            for (place, bit) in bits.into_iter().enumerate() {
                simulation.top.step.next = false;
                simulation.top.drain.next = stimulus.chance(0.5);
                (0..stimulus.below(2)).for_each(|_| simulation.step().unwrap());
                simulation.top.step.next = true;
                simulation.top.drain.next = drain;
                simulation.top.data.next = bit;
                simulation.settle().unwrap();
                if drain {
                    assert_eq!(simulation.top.next_bit.val(), sum >> place & 1 == 1);
                }
                simulation.tick().unwrap();
            }
        }
        assert_eq!(simulation.top.wrong.val(), spoiled, "right ones follow wrong ones only after a start");
    }
    simulation.top.start.next = true;
    simulation.step().unwrap();
    assert!(!simulation.top.wrong.val());
}

#[test]
fn a_transmitter_escapes_what_a_receiver_takes_back() {
    let mut stimulus = Stimulus::new(1);
    let mut sender = Simulation::new(FrameTransmitter::new());
    let mut receiver = Simulation::new(FrameReceiver::new());
    // Flags are `None`.
    let symbol = |stimulus: &mut Stimulus| match stimulus.below(4) {
        0 => None,
        1 => Some([FLAG, ESCAPE][stimulus.below(2)]),
        _ => Some(stimulus.word(8).low() as u8),
    };
    let sent: Vec<Option<u8>> = (0..300).map(|_| symbol(&mut stimulus)).collect();
    let (mut taken, mut line, mut received) = (0, vec![], vec![]);
    while taken < sent.len() {
        let now = sent[taken];
        sender.top.in_.valid.next = stimulus.chance(0.5);
        sender.top.in_flag.next = now.is_none();
        sender.top.in_.data.next = now.map_or_else(|| stimulus.word(8), |byte| Word::new(byte.into(), 8));
        sender.top.out.ready.next = stimulus.chance(0.5);
        sender.settle().unwrap();
        let moves = sender.top.out.valid.val() && sender.top.out.ready.val();
        receiver.top.in_valid.next = moves;
        receiver.top.in_data.next = sender.top.out.data.val();
        receiver.settle().unwrap();
        if moves {
            line.push(sender.top.out.data.val().low() as u8);
        }
        if receiver.top.flag.val() || receiver.top.valid.val() {
            received.push(receiver.top.valid.val().then(|| receiver.top.data.val().low() as u8));
        }
        taken += usize::from(sender.top.in_.valid.val() && sender.top.in_.ready.val());
        sender.tick().unwrap();
        receiver.tick().unwrap();
    }
    assert_eq!(received, sent);
    assert_eq!(line.iter().filter(|byte| **byte == FLAG).count(), sent.iter().filter(|byte| byte.is_none()).count());
}

#[test]
fn the_parts_are_the_same_in_verilog() {
    Bench::new("sum", Checksum::new()).cycles(500).run(|sum, stimulus| {
        sum.start.next = stimulus.chance(0.01);
        sum.step.next = stimulus.chance(0.8);
        sum.drain.next = stimulus.cycle % 100 > 60;
        sum.data.next = stimulus.chance(0.5);
    });
    let special = |stimulus: &mut Stimulus| match stimulus.below(3) {
        0 => Word::new([FLAG, ESCAPE][stimulus.below(2)].into(), 8),
        _ => stimulus.word(8),
    };
    Bench::new("receiver", FrameReceiver::new()).cycles(500).run(|receiver, stimulus| {
        receiver.in_data.next = special(stimulus);
        receiver.in_valid.next = stimulus.chance(0.5);
        receiver.reset.next = stimulus.chance(0.02);
    });
    Bench::new("transmitter", FrameTransmitter::new()).cycles(500).run(|transmitter, stimulus| {
        transmitter.in_.data.next = special(stimulus);
        transmitter.in_flag.next = stimulus.chance(0.2);
        transmitter.in_.valid.next = stimulus.chance(0.7);
        transmitter.out.ready.next = stimulus.chance(0.5);
        transmitter.reset.next = stimulus.chance(0.02);
    });
    Bench::new("request", RequestHeader::new()).cycles(1000).run_combinational(|request, stimulus| {
        let (kind, count) = (stimulus.below(5) as u64, [0, 1, 2, 255, 256, 257, 0x300][stimulus.below(7)]);
        let address = [0, 4, 6, 0xf_fffc, 0x10_0000, 0x20_0001, 0x8000_0000][stimulus.below(7)];
        request.header.next = Word::new(kind | count << 16 | address << 32, 64);
    });
}

#[test]
fn the_bridge_of_bytes_is_the_same_in_verilog() {
    let memory = Memory::new(&mut Stimulus::new(5));
    let mut slave = Slave::new(memory.clone(), 5);
    let mut line: Vec<u8> = vec![];
    Bench::new("frame_bridge", FrameBridge::new()).cycles(20_000).run(move |bridge, stimulus| {
        if line.is_empty() && stimulus.chance(0.003) {
            line = item(stimulus, &memory, 3).into_iter().filter_map(Symbol::byte).rev().collect();
        }
        let answer = slave.answer(bridge.bus.address.val().low() as u32);
        bridge.bus.read_data.next = answer.read_data;
        bridge.bus.readable.next = answer.readable;
        bridge.bus.writable.next = answer.writable;
        bridge.in_.valid.next = stimulus.cycle % 11 == 0 && !line.is_empty();
        bridge.in_.data.next = stimulus.word(8);
        if bridge.in_.valid.next {
            bridge.in_.data.next = Word::new(line.pop().unwrap_or(0).into(), 8);
        }
        bridge.out.ready.next = stimulus.chance(0.4);
        bridge.reset.next = stimulus.chance(0.0002);
    });
}

#[test]
fn the_bridge_of_bits_is_the_same_in_verilog() {
    let timing = UartTiming::new(25_000_000, 3_000_000).unwrap();
    let memory = Memory::new(&mut Stimulus::new(6));
    let mut slave = Slave::new(memory.clone(), 6);
    let mut encoder = LineEncoder::deviating(&timing, -17_000);
    let bridge = Bench::new("uart_bridge", UartBridge::new(&timing, 64)).cycles(60_000).verilator();
    bridge.run(move |bridge, stimulus| {
        if encoder.is_idle() {
            push(&mut encoder, &item(stimulus, &memory, 3));
            encoder.push_idle(400);
        }
        let answer = slave.answer(bridge.bus.address.val().low() as u32);
        bridge.bus.read_data.next = answer.read_data;
        bridge.bus.readable.next = answer.readable;
        bridge.bus.writable.next = answer.writable;
        bridge.rx.next = encoder.next_level();
        bridge.reset.next = stimulus.cycle % 20_000 == 19_999;
    });
}
