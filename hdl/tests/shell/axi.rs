//! The AXI4-Lite slave under a random master, against a memory.

use hdl::shell::BUS_ADDRESS_BITS;
use hdl::shell::axi_lite::{AxiLiteBridge, SLAVE_ERROR};
use hdl::wire::{Simulation, Word};
use std::collections::VecDeque;

use crate::slave::{Memory, Slave};
use crate::support::{Bench, Stimulus};
use crate::wishbone::place;

/// A channel that the master sends on: what waits, and whether the first of it is offered.
struct Sender<T> {
    queue: VecDeque<T>,
    is_offered: bool,
}

impl<T> Sender<T> {
    fn new() -> Sender<T> {
        Sender { queue: VecDeque::new(), is_offered: false }
    }

    /// What is offered in this cycle. Once offered, it stays until it is taken.
    fn offer(&mut self, stimulus: &mut Stimulus, eagerness: f64) -> Option<&T> {
        self.is_offered |= !self.queue.is_empty() && stimulus.chance(eagerness);
        self.queue.front().filter(|_| self.is_offered)
    }

    fn taken(&mut self) {
        self.queue.pop_front();
        self.is_offered = false;
    }
}

/// A master with up to a few accesses under way in each direction.
struct Master {
    write_address: Sender<u32>,
    write_data: Sender<(u32, u32)>,
    read_address: Sender<u32>,
    /// Accesses that wait for their responses, in order.
    writes: VecDeque<(u32, u32, u32)>,
    reads: VecDeque<u32>,
    /// How often each of the five channels moves where it can.
    eagerness: [f64; 5],
    /// The response seen in the last cycle and not taken.
    held: [Option<u64>; 2],
}

/// What came to an end in a cycle.
#[derive(Default)]
struct Ends {
    write: Option<u64>,
    read: Option<(u64, u32)>,
}

struct Bus {
    simulation: Simulation<AxiLiteBridge>,
    slave: Slave,
    master: Master,
    stimulus: Stimulus,
}

impl Bus {
    fn new(memory: Memory, seed: u64) -> Bus {
        let mut stimulus = Stimulus::new(seed);
        let mut eagerness = || [0.1, 0.5, 1.0][stimulus.below(3)];
        let master = Master {
            write_address: Sender::new(),
            write_data: Sender::new(),
            read_address: Sender::new(),
            writes: VecDeque::new(),
            reads: VecDeque::new(),
            eagerness: [eagerness(), eagerness(), eagerness(), eagerness(), eagerness()],
            held: [None; 2],
        };
        let simulation = Simulation::new(AxiLiteBridge::new());
        Bus { simulation, slave: Slave::with_delay(memory, seed, 1), master, stimulus }
    }

    fn write(&mut self, address: u32, word: u32, strobes: u32) {
        self.master.write_address.queue.push_back(address);
        self.master.write_data.queue.push_back((word, strobes));
        self.master.writes.push_back((address, word, strobes));
    }

    fn read(&mut self, address: u32) {
        self.master.read_address.queue.push_back(address);
        self.master.reads.push_back(address);
    }

    fn cycle(&mut self) -> Ends {
        let (top, master, stimulus) = (&mut self.simulation.top, &mut self.master, &mut self.stimulus);
        let [aw, w, b, ar, r] = master.eagerness;
        let address = |address: Option<&u32>, stimulus: &mut Stimulus| match address {
            Some(address) => Word::new(u64::from(*address), BUS_ADDRESS_BITS),
            None => stimulus.word(BUS_ADDRESS_BITS),
        };
        let offered = master.write_address.offer(stimulus, aw);
        top.s_axi.awvalid.next = offered.is_some();
        top.s_axi.awaddr.next = address(offered, stimulus);
        let offered = master.read_address.offer(stimulus, ar);
        top.s_axi.arvalid.next = offered.is_some();
        top.s_axi.araddr.next = address(offered, stimulus);
        let offered = master.write_data.offer(stimulus, w).copied();
        top.s_axi.wvalid.next = offered.is_some();
        let (word, strobes) = offered.unwrap_or_else(|| (stimulus.word(32).low() as u32, stimulus.below(16) as u32));
        top.s_axi.wdata.next = Word::new(u64::from(word), 32);
        top.s_axi.wstrb.next = Word::new(u64::from(strobes), 4);
        // Outputs follow from registers alone: they are the same whatever the master says in this cycle.
        let outputs = |bridge: &AxiLiteBridge| {
            [
                bridge.s_axi.awready.val(),
                bridge.s_axi.wready.val(),
                bridge.s_axi.bvalid.val(),
                bridge.s_axi.arready.val(),
                bridge.s_axi.rvalid.val(),
            ]
        };
        top.s_axi.bready.next = false;
        top.s_axi.rready.next = false;
        self.simulation.settle().unwrap();
        let before = outputs(&self.simulation.top);
        self.simulation.top.s_axi.bready.next = stimulus.chance(b);
        self.simulation.top.s_axi.rready.next = stimulus.chance(r);
        self.simulation.settle().unwrap();
        assert_eq!(outputs(&self.simulation.top), before, "a valid or ready follows another one");

        let address = self.simulation.top.bus.address.val().low() as u32;
        let answer = self.slave.answer(address);
        self.simulation.top.bus.read_data.next = answer.read_data;
        self.simulation.top.bus.readable.next = answer.readable;
        self.simulation.top.bus.writable.next = answer.writable;
        self.simulation.settle().unwrap();
        let top = &self.simulation.top;
        assert_eq!(outputs(top), before, "a valid or ready follows the answer");
        if top.bus.write.val() {
            self.slave.write(address, top.bus.write_data.val().low() as u32);
        }
        let write = top.s_axi.bvalid.val().then(|| top.s_axi.bresp.val().low());
        let read = top.s_axi.rvalid.val().then(|| (top.s_axi.rresp.val().low() << 32) | top.s_axi.rdata.val().low());
        for (held, found) in master.held.iter_mut().zip([write, read]) {
            assert!(held.is_none() || *held == found, "a response changed or went away while it waited");
            *held = found;
        }
        let mut ends = Ends::default();
        if top.s_axi.bready.val() {
            ends.write = master.held[0].take();
        }
        if top.s_axi.rready.val() {
            ends.read = master.held[1].take().map(|read| (read >> 32, read as u32));
        }
        for (moves, channel) in [
            (top.s_axi.awvalid.val() && top.s_axi.awready.val(), &mut master.write_address),
            (top.s_axi.arvalid.val() && top.s_axi.arready.val(), &mut master.read_address),
        ] {
            if moves {
                channel.taken();
            }
        }
        if top.s_axi.wvalid.val() && top.s_axi.wready.val() {
            master.write_data.taken();
        }
        self.simulation.tick().unwrap();
        ends
    }
}

/// Reads and writes together: reads of places that nobody writes, and writes that are seen in the memory afterwards.
#[test]
fn accesses_do_what_a_memory_does() {
    let (mut written, mut read, mut refused) = (0, 0, 0);
    for seed in 0..30 {
        let mut stimulus = Stimulus::new(seed);
        let mut memory = Memory::new(&mut stimulus);
        let mut bus = Bus::new(memory.clone(), seed + 100);
        let mut left = 150;
        let mut idle = 0;
        while left > 0 || !bus.master.writes.is_empty() || !bus.master.reads.is_empty() {
            if left > 0 && stimulus.chance(0.3) {
                let address = place(&mut stimulus);
                // Whether a read comes before or after a write of the same word is nobody's promise.
                let is_free = !(bus.master.writes.iter().map(|(address, ..)| address))
                    .chain(&bus.master.reads)
                    .any(|other| other & !3 == address & !3);
                if is_free && stimulus.chance(0.5) {
                    let strobes = if stimulus.chance(0.8) { 15 } else { stimulus.below(16) as u32 };
                    bus.write(address, stimulus.word(32).low() as u32, strobes);
                    left -= 1;
                } else if is_free {
                    bus.read(address);
                    left -= 1;
                }
            }
            let Ends { write, read: answer } = bus.cycle();
            idle = if write.is_some() || answer.is_some() { 0 } else { idle + 1 };
            assert!(idle < 1000, "seed {seed}: the bridge is stuck");
            if let Some(response) = write {
                let (address, word, strobes) = bus.master.writes.pop_front().expect("a response to a write");
                let is_right = strobes == 15 && memory.can_write(address & !3);
                if is_right {
                    memory.words.insert(address & !3, word);
                }
                let expected = if is_right || strobes == 0 { 0 } else { SLAVE_ERROR };
                assert_eq!(response, expected, "seed {seed}: write of {address:#x}, strobes {strobes:#b}");
                if expected == 0 { written += 1 } else { refused += 1 }
            }
            if let Some((response, word)) = answer {
                let address = bus.master.reads.pop_front().expect("a response to a read");
                let expected = memory.read(address & !3);
                assert_eq!(response, if expected.is_some() { 0 } else { SLAVE_ERROR }, "seed {seed}: {address:#x}");
                match expected {
                    Some(expected) => assert_eq!(word, expected, "seed {seed}: {address:#x}"),
                    None => refused += 1,
                }
                read += 1;
            }
        }
        assert_eq!(bus.slave.memory, memory, "seed {seed}");
    }
    assert!(written > 300 && read > 1500 && refused > 1000, "{written} {read} {refused}");
}

/// Neither direction waits for ever while the other one is busy.
#[test]
fn reads_and_writes_take_turns() {
    let mut bus = Bus::new(Memory::new(&mut Stimulus::new(1)), 1);
    bus.master.eagerness = [1.0; 5];
    for word in 0..20 {
        bus.write(0x10_0000 + 4 * word, word, 15);
        bus.read(4 * word);
    }
    let mut order = vec![];
    while order.len() < 40 {
        let Ends { write, read } = bus.cycle();
        order.extend(write.map(|_| 'w'));
        order.extend(read.map(|_| 'r'));
    }
    assert!(order.windows(2).all(|pair| pair[0] != pair[1]), "{order:?}");
}

#[test]
fn axi_lite_is_the_same_in_verilog() {
    Bench::new("axi_lite", AxiLiteBridge::new()).cycles(4000).verilator().run(|bridge, stimulus| {
        bridge.reset.next = stimulus.chance(0.01);
        bridge.s_axi.awaddr.next = stimulus.word(BUS_ADDRESS_BITS);
        bridge.s_axi.awvalid.next = stimulus.chance(0.5);
        bridge.s_axi.wdata.next = stimulus.word(32);
        bridge.s_axi.wstrb.next = stimulus.word(4);
        bridge.s_axi.wvalid.next = stimulus.chance(0.5);
        bridge.s_axi.bready.next = stimulus.chance(0.5);
        bridge.s_axi.araddr.next = stimulus.word(BUS_ADDRESS_BITS);
        bridge.s_axi.arvalid.next = stimulus.chance(0.5);
        bridge.s_axi.rready.next = stimulus.chance(0.5);
        bridge.bus.read_data.next = stimulus.word(32);
        bridge.bus.readable.next = stimulus.chance(0.5);
        bridge.bus.writable.next = stimulus.chance(0.5);
    });
}
