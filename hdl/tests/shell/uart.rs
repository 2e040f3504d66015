//! Receiver and transmitter of bytes.

use abi::uart::{LineDecoder, LineEncoder, UartTiming};
use hdl::shell::uart_receiver::UartReceiver;
use hdl::shell::uart_transmitter::UartTransmitter;
use hdl::wire::{Simulation, Word};

use crate::support::{Bench, Stimulus};

/// Clock and rate, from 4 to 104 cycles a bit.
const RATES: [(u32, u32); 9] = [
    (4_000_000, 1_000_000),
    (4_096_000, 1_000_000),
    (4_700_000, 1_000_000),
    (5_000_000, 1_000_000),
    (25_000_000, 3_000_000),
    (12_000_000, 921_600),
    (12_000_000, 1_000_000),
    (29_900_000, 1_000_000),
    (12_000_000, 115_200),
];

fn timing((clock_hertz, baud): (u32, u32)) -> UartTiming {
    UartTiming::new(clock_hertz, baud).unwrap()
}

/// What a receiver says of levels, `None` for broken bytes.
fn receive(timing: &UartTiming, levels: impl IntoIterator<Item = bool>) -> Vec<Option<u8>> {
    let mut simulation = Simulation::new(UartReceiver::new(timing));
    let mut found = vec![];
    // The last byte comes out three cycles after its stop bit.
    for level in levels.into_iter().chain([true; 5]) {
        simulation.top.rx.next = level;
        simulation.settle().unwrap();
        let (valid, broken) = (simulation.top.valid.val(), simulation.top.broken.val());
        assert!(!(valid && broken));
        if valid || broken {
            found.push(valid.then(|| simulation.top.data.val().low() as u8));
        }
        simulation.tick().unwrap();
    }
    found
}

fn levels(encoder: &mut LineEncoder, idle: usize) -> Vec<bool> {
    let mut levels = vec![true; idle];
    while !encoder.is_idle() {
        levels.push(encoder.next_level());
    }
    levels
}

#[test]
fn a_receiver_takes_bytes_at_any_deviation() {
    for rate in RATES {
        for deviation in [-20_000, -13_000, 0, 7_000, 20_000] {
            let timing = timing(rate);
            let mut stimulus = Stimulus::new(deviation as u64);
            let mut encoder = LineEncoder::deviating(&timing, deviation);
            let mut sent = vec![];
            for _ in 0..40 {
                let byte = stimulus.word(8).low() as u8;
                if stimulus.chance(0.1) {
                    encoder.push_broken(byte);
                    sent.push(None);
                } else {
                    encoder.push(byte);
                    sent.push(Some(byte));
                }
                if stimulus.chance(0.2) {
                    encoder.push_idle(stimulus.below(5));
                }
            }
            let levels = levels(&mut encoder, stimulus.below(9));
            assert_eq!(receive(&timing, levels), sent, "{rate:?}, {deviation}");
        }
    }
}

#[test]
fn a_receiver_ignores_pulses_and_reports_a_break_once() {
    for rate in RATES {
        let timing = timing(rate);
        let bit = (rate.0 / rate.1) as usize;
        let mut encoder = LineEncoder::new(&timing);
        encoder.push(0xa5);
        let byte = levels(&mut encoder, 0);
        let pulse = [vec![false; bit / 2 - 1], vec![true; 3 * bit]].concat();
        assert_eq!(receive(&timing, [pulse, byte.clone()].concat()), [Some(0xa5)], "{rate:?}");
        let long_break = [vec![false; 50 * bit], vec![true; 2]].concat();
        assert_eq!(receive(&timing, [long_break, byte].concat()), [None, Some(0xa5)], "{rate:?}");
    }
}

#[test]
fn a_transmitter_sends_bytes_without_gaps_or_drift() {
    for rate in RATES {
        let timing = timing(rate);
        let mut simulation = Simulation::new(UartTransmitter::new(&timing));
        let mut decoder = LineDecoder::new(&timing);
        let mut stimulus = Stimulus::new(1);
        let (mut sent, mut received, mut taken) = (vec![], vec![], vec![]);
        let mut cycle = 0;
        while received.len() < 30 {
            let byte = stimulus.word(8).low() as u8;
            simulation.top.in_.data.next = Word::new(byte.into(), 8);
            simulation.top.in_.valid.next = sent.len() < 30;
            simulation.settle().unwrap();
            assert!(simulation.top.tx.val() || !sent.is_empty(), "the line idles at 1");
            if let Some(byte) = decoder.push(simulation.top.tx.val()) {
                received.push(byte.unwrap());
            }
            if simulation.top.in_.ready.val() && sent.len() < 30 {
                sent.push(byte);
                taken.push(cycle);
            }
            simulation.tick().unwrap();
            cycle += 1;
        }
        assert_eq!(received, sent, "{rate:?}");
        let bits = 10.0 * f64::from(rate.0) / f64::from(rate.1);
        for pair in taken.windows(2) {
            let cycles = f64::from(pair[1] - pair[0]);
            assert!((cycles - 1.0 - bits).abs() <= 0.51 + 0.0005 * bits, "{rate:?}: {cycles} cycles for a byte");
        }
    }
}

#[test]
fn a_transmitter_keeps_its_line_idle_in_reset() {
    let mut simulation = Simulation::new(UartTransmitter::new(&timing(RATES[0])));
    simulation.top.in_.valid.next = true;
    for cycle in 0..20 {
        simulation.top.reset.next = cycle >= 5;
        simulation.step().unwrap();
        assert_eq!(simulation.top.tx.val(), cycle >= 5 || simulation.cycle() == 0, "cycle {cycle}");
    }
}

#[test]
fn a_receiver_is_the_same_in_verilog() {
    for rate in [RATES[0], RATES[4]] {
        let timing = timing(rate);
        let mut encoder = LineEncoder::deviating(&timing, 9_000);
        Bench::new("receiver", UartReceiver::new(&timing)).cycles(4000).run(|receiver, stimulus| {
            if encoder.is_idle() {
                let byte = stimulus.word(8).low() as u8;
                encoder.push_idle(stimulus.below(4));
                if stimulus.chance(0.2) { encoder.push_broken(byte) } else { encoder.push(byte) }
            }
            let level = encoder.next_level();
            receiver.rx.next = level ^ stimulus.chance(0.005);
            receiver.reset.next = stimulus.chance(0.002);
        });
    }
}

#[test]
fn a_transmitter_is_the_same_in_verilog() {
    for rate in [RATES[0], RATES[4]] {
        Bench::new("transmitter", UartTransmitter::new(&timing(rate))).cycles(2000).run(|transmitter, stimulus| {
            transmitter.in_.data.next = stimulus.word(8);
            transmitter.in_.valid.next = stimulus.chance(0.05);
            transmitter.reset.next = stimulus.chance(0.005);
        });
    }
}
