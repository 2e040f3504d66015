//! The bridge between a line and a slave, with the line as bits or as bytes.

use abi::frame::Decoder;
use abi::uart::{LineDecoder, LineEncoder, UartTiming};
use hdl::shell::frame_bridge::FrameBridge;
use hdl::shell::uart_bridge::UartBridge;
use hdl::wire::{Simulation, Word};

use crate::requests::Symbol;
use crate::slave::{Memory, Slave};
use crate::support::Stimulus;

/// What came back.
#[derive(Default)]
pub struct Heard {
    frames: Decoder,
    pub line_errors: usize,
    pub frame_errors: usize,
    /// Every byte.
    pub bytes: Vec<u8>,
    /// Whole frames.
    pub answers: usize,
}

impl Heard {
    fn push(&mut self, byte: u8) {
        self.bytes.push(byte);
        self.answers += usize::from(self.frames.push(byte).is_some());
    }
}

/// A bridge with a line at one end and a slave at the other.
pub trait Line {
    fn heard(&self) -> &Heard;
    fn memory(&self) -> &Memory;
    /// Sends symbols, then waits until there are `answers` in all, or for `patience` bits.
    fn exchange(&mut self, symbols: &[Symbol], answers: usize, patience: u64);
    /// Lets some bits pass.
    fn wait(&mut self, bits: u64);
}

/// Bytes that the bridge holds of its line: fewer than a frame may have.
pub const LINE_BYTES: usize = 64;

/// The whole bridge, with a line of bits.
pub struct UartLine {
    simulation: Simulation<UartBridge>,
    slave: Slave,
    encoder: LineEncoder,
    decoder: LineDecoder,
    cycles_per_bit: u64,
    heard: Heard,
}

impl UartLine {
    /// A line that is `deviation` millionths faster than `timing` says.
    pub fn new(timing: &UartTiming, deviation: i32, memory: Memory, seed: u64) -> UartLine {
        UartLine {
            simulation: Simulation::new(UartBridge::new(timing, LINE_BYTES)),
            slave: Slave::new(memory, seed),
            encoder: LineEncoder::deviating(timing, deviation),
            decoder: LineDecoder::new(timing),
            cycles_per_bit: u64::from(timing.clock_hertz().div_ceil(timing.baud())),
            heard: Heard::default(),
        }
    }

    /// Sends symbols, and resets the bridge some bits after they have begun.
    pub fn reset_after(&mut self, symbols: &[Symbol], bits: u64) {
        push(&mut self.encoder, symbols);
        self.wait(bits);
        self.simulation.top.reset.next = true;
        while !self.encoder.is_idle() {
            self.step();
        }
        self.wait(10);
        self.simulation.top.reset.next = false;
    }

    fn step(&mut self) {
        let top = &mut self.simulation.top;
        let address = top.bus.address.val().low() as u32;
        let answer = self.slave.answer(address);
        top.rx.next = self.encoder.next_level();
        top.bus.read_data.next = answer.read_data;
        top.bus.readable.next = answer.readable;
        top.bus.writable.next = answer.writable;
        self.simulation.settle().unwrap();
        let top = &self.simulation.top;
        assert_eq!(top.bus.address.val().low() as u32, address, "the address follows the answer to it");
        if top.bus.write.val() {
            self.slave.write(address, top.bus.write_data.val().low() as u32);
        }
        self.heard.line_errors += usize::from(top.line_error.val());
        self.heard.frame_errors += usize::from(top.frame_error.val());
        if let Some(byte) = self.decoder.push(top.tx.val()) {
            self.heard.push(byte.expect("the transmitter sends stop bits"));
        }
        self.simulation.tick().unwrap();
    }
}

/// Puts symbols on a line.
pub fn push(encoder: &mut LineEncoder, symbols: &[Symbol]) {
    for symbol in symbols {
        match *symbol {
            Symbol::Byte(byte) => encoder.push(byte),
            Symbol::Broken(byte) => encoder.push_broken(byte),
            Symbol::Idle(bits) => encoder.push_idle(bits),
        }
    }
}

impl Line for UartLine {
    fn heard(&self) -> &Heard {
        &self.heard
    }
    fn memory(&self) -> &Memory {
        &self.slave.memory
    }
    fn exchange(&mut self, symbols: &[Symbol], answers: usize, patience: u64) {
        push(&mut self.encoder, symbols);
        while !self.encoder.is_idle() {
            self.step();
        }
        let limit = self.simulation.cycle() + patience * self.cycles_per_bit;
        while self.heard.answers < answers && self.simulation.cycle() < limit {
            self.step();
        }
        // The last byte may still be on its way through the receiver.
        self.wait(2);
    }
    fn wait(&mut self, bits: u64) {
        (0..bits * self.cycles_per_bit).for_each(|_| self.step());
    }
}

/// The bridge without its UART: a line of bytes, which come as densely as they are taken or less so.
pub struct ByteLine {
    simulation: Simulation<FrameBridge>,
    slave: Slave,
    stimulus: Stimulus,
    heard: Heard,
}

impl ByteLine {
    pub fn new(memory: Memory, seed: u64) -> ByteLine {
        let simulation = Simulation::new(FrameBridge::new());
        ByteLine { simulation, slave: Slave::new(memory, seed), stimulus: Stimulus::new(seed), heard: Heard::default() }
    }

    /// A cycle in which `byte` waits; whether it is taken.
    fn step(&mut self, byte: Option<u8>) -> bool {
        let top = &mut self.simulation.top;
        let address = top.bus.address.val().low() as u32;
        let answer = self.slave.answer(address);
        top.in_.valid.next = byte.is_some();
        top.in_.data.next = byte.map_or_else(|| self.stimulus.word(8), |byte| Word::new(byte.into(), 8));
        top.out.ready.next = self.stimulus.chance(0.3);
        top.bus.read_data.next = answer.read_data;
        top.bus.readable.next = answer.readable;
        top.bus.writable.next = answer.writable;
        self.simulation.settle().unwrap();
        let top = &self.simulation.top;
        if top.bus.write.val() {
            self.slave.write(address, top.bus.write_data.val().low() as u32);
        }
        self.heard.frame_errors += usize::from(top.frame_error.val());
        if top.out.valid.val() && top.out.ready.val() {
            self.heard.push(top.out.data.val().low() as u8);
        }
        let is_taken = top.in_.valid.val() && top.in_.ready.val();
        self.simulation.tick().unwrap();
        is_taken
    }
}

impl Line for ByteLine {
    fn heard(&self) -> &Heard {
        &self.heard
    }
    fn memory(&self) -> &Memory {
        &self.slave.memory
    }
    fn exchange(&mut self, symbols: &[Symbol], answers: usize, patience: u64) {
        for symbol in symbols {
            match *symbol {
                Symbol::Byte(byte) => {
                    while !self.step(Some(byte)) {}
                    let pause = self.stimulus.below(3) as u64;
                    self.wait(pause);
                }
                Symbol::Broken(_) => self.heard.line_errors += 1,
                Symbol::Idle(cycles) => self.wait(cycles as u64),
            }
        }
        let limit = self.simulation.cycle() + patience * 10;
        while self.heard.answers < answers && self.simulation.cycle() < limit {
            self.step(None);
        }
        // On a line of bits nothing comes in before the closing flag has begun to leave.
        self.wait(20);
    }
    fn wait(&mut self, cycles: u64) {
        for _ in 0..cycles {
            self.step(None);
        }
    }
}
