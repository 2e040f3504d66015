//! The Wishbone slave under a random master, against a memory.

use abi::registers::INPUT_WINDOW;
use hdl::shell::BUS_ADDRESS_BITS;
use hdl::shell::reset_timer::{RESET_CYCLES, ResetTimer};
use hdl::shell::wishbone::WishboneBridge;
use hdl::wire::{Simulation, Word};

use crate::slave::{Memory, Slave};
use crate::support::{Bench, Stimulus};

/// A place near the edges of what can be read and written; sometimes not at a word's first byte.
pub fn place(stimulus: &mut Stimulus) -> u32 {
    let base = [0, 0, INPUT_WINDOW, 0x10_07e0, 0x1f_ffe0, 0x20_0000, 0x20_07e0, 0x100_0000][stimulus.below(8)];
    base + 4 * stimulus.below(26) as u32 + if stimulus.chance(0.1) { stimulus.below(4) as u32 } else { 0 }
}

struct Bus {
    simulation: Simulation<WishboneBridge>,
    slave: Slave,
}

/// How a cycle ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Acknowledged(u32),
    Error,
}

impl Bus {
    fn new(memory: Memory, seed: u64) -> Bus {
        let simulation = Simulation::new(WishboneBridge::new());
        Bus { simulation, slave: Slave::with_delay(memory, seed, 1) }
    }

    /// One clock cycle with the inputs as they are; the end that it saw.
    fn cycle(&mut self) -> Option<End> {
        self.simulation.settle().unwrap();
        let address = self.simulation.top.bus.address.val().low() as u32;
        let answer = self.slave.answer(address);
        self.simulation.top.bus.read_data.next = answer.read_data;
        self.simulation.top.bus.readable.next = answer.readable;
        self.simulation.top.bus.writable.next = answer.writable;
        self.simulation.settle().unwrap();
        let top = &self.simulation.top;
        assert_eq!(top.bus.address.val().low() as u32, address, "the address follows from the answer");
        if top.bus.write.val() {
            self.slave.write(address, top.bus.write_data.val().low() as u32);
        }
        let (ack, err) = (top.wb.ack_o.val(), top.wb.err_o.val());
        assert!(!(ack && err), "a cycle ends one way");
        let end = if err { Some(End::Error) } else { ack.then(|| End::Acknowledged(top.wb.dat_o.val().low() as u32)) };
        self.simulation.tick().unwrap();
        end
    }

    fn drive(&mut self, address: u32, write: Option<(u32, u32)>, strobe: bool) {
        let top = &mut self.simulation.top;
        let (word, select) = write.unwrap_or((0, 0b1111));
        top.wb.adr_i.next = Word::new(u64::from(address), BUS_ADDRESS_BITS);
        top.wb.dat_i.next = Word::new(u64::from(word), 32);
        top.wb.sel_i.next = Word::new(u64::from(select), 4);
        top.wb.we_i.next = write.is_some();
        top.wb.stb_i.next = strobe;
        top.wb.cyc_i.next = strobe;
    }
}

#[test]
fn cycles_do_what_a_memory_does() {
    let (mut acknowledged, mut refused, mut withdrawn) = (0, 0, 0);
    for seed in 0..10 {
        let mut stimulus = Stimulus::new(seed);
        let mut memory = Memory::new(&mut stimulus);
        let mut bus = Bus::new(memory.clone(), seed);
        for number in 0..600 {
            let address = place(&mut stimulus);
            let select = if stimulus.chance(0.8) { 15 } else { stimulus.below(16) as u32 };
            let write = stimulus.chance(0.5).then(|| (stimulus.word(32).low() as u32, select));
            let word_address = address & !3;
            if stimulus.chance(0.05) {
                // In the second clock cycle the word is written, answer or none.
                bus.drive(address, write, true);
                assert_eq!(bus.cycle(), None);
                bus.drive(address, write, false);
                assert_eq!(bus.cycle(), None);
                assert_eq!(bus.cycle(), None, "nobody waits for an answer");
                withdrawn += 1;
                continue;
            }
            bus.drive(address, write, true);
            let end = (0..10).find_map(|_| bus.cycle());
            let expected = match write {
                None => memory.read(word_address).map_or(End::Error, End::Acknowledged),
                Some((_, 0)) => End::Acknowledged(0),
                Some((word, 15)) if memory.can_write(word_address) => {
                    memory.words.insert(word_address, word);
                    End::Acknowledged(0)
                }
                Some(_) => End::Error,
            };
            let context = format!("seed {seed}, cycle {number}: {address:#x} {write:x?}");
            match (write, expected, end) {
                // What is on the data lines of a write means nothing.
                (Some(_), End::Acknowledged(_), Some(End::Acknowledged(_))) => acknowledged += 1,
                (_, expected, end) => {
                    assert_eq!(end, Some(expected), "{context}");
                    if expected == End::Error { refused += 1 } else { acknowledged += 1 }
                }
            }
            assert_eq!(bus.slave.memory, memory, "{context}");
            bus.drive(address, write, false);
            for _ in 0..stimulus.below(3) {
                assert_eq!(bus.cycle(), None, "{context}");
            }
        }
    }
    assert!(acknowledged > 1500 && refused > 800 && withdrawn > 200, "{acknowledged} {refused} {withdrawn}");
}

#[test]
fn a_cycle_ends_in_its_sixth_clock_cycle_and_the_next_one_follows() {
    let memory = Memory::new(&mut Stimulus::new(1));
    let expected: Vec<u32> = (0..4).map(|word| memory.words[&(4 * word)]).collect();
    let mut bus = Bus::new(memory, 1);
    let mut found = vec![];
    for word in 0..4 {
        // The strobe stays high from cycle to cycle.
        bus.drive(4 * word, None, true);
        for _ in 0..5 {
            assert_eq!(bus.cycle(), None);
        }
        found.extend(bus.cycle());
    }
    assert_eq!(found, expected.into_iter().map(End::Acknowledged).collect::<Vec<_>>());
}

#[test]
fn wishbone_is_the_same_in_verilog() {
    Bench::new("wishbone", WishboneBridge::new()).cycles(3000).verilator().run(|bridge, stimulus| {
        bridge.reset.next = stimulus.chance(0.01);
        bridge.wb.adr_i.next = stimulus.word(BUS_ADDRESS_BITS);
        bridge.wb.dat_i.next = stimulus.word(32);
        bridge.wb.sel_i.next = stimulus.word(4);
        bridge.wb.we_i.next = stimulus.chance(0.5);
        bridge.wb.stb_i.next = stimulus.chance(0.9);
        bridge.wb.cyc_i.next = stimulus.chance(0.9);
        bridge.bus.read_data.next = stimulus.word(32);
        bridge.bus.readable.next = stimulus.chance(0.5);
        bridge.bus.writable.next = stimulus.chance(0.5);
    });
}

#[test]
fn resets_last_long_enough_however_short_the_request() {
    let mut simulation = Simulation::new(ResetTimer::new());
    let mut length = |request: usize| {
        let mut cycles = 0;
        for cycle in 0.. {
            simulation.top.request.next = cycle < request;
            simulation.settle().unwrap();
            if simulation.top.reset.val() {
                cycles += 1;
            } else if cycle > request {
                return cycles;
            }
            simulation.tick().unwrap();
        }
        cycles
    };
    // After configuration, with the request still coming for three cycles.
    assert_eq!(length(0), RESET_CYCLES - 1);
    assert_eq!(length(1), RESET_CYCLES - 1);
    assert_eq!(length(300), 299 + RESET_CYCLES - 1);
    Bench::new("reset_timer", ResetTimer::new()).cycles(500).run(|timer, stimulus| {
        timer.request.next = stimulus.chance(0.008);
    });
}
