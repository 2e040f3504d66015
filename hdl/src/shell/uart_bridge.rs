//! The way from a serial line to the words of a device.
//!
//! Ports: `clock`, `reset`, which drops whatever is under way; `rx` and `tx`, the line, from and to pins; the bus as
//! [`frame_bridge`](super::frame_bridge) describes it; `line_error` and `frame_error`, high for one cycle for each byte
//! without a stop bit and for each frame dropped or refused for its bytes.
//!
//! Bytes wait in a queue for their turn, so that requests may come while one is answered: for whoever keeps to
//! [`Register::LineBytes`](abi::registers::Register::LineBytes) it always has room, and a byte that finds none is lost.

use super::bus::BusMaster;
use super::frame_bridge::FrameBridge;
use super::uart_receiver::UartReceiver;
use super::uart_transmitter::UartTransmitter;
use crate::blocks::stream_fifo::StreamFifo;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, StreamOut, Wire, clocked};
use abi::uart::UartTiming;

/// A master of a bus behind a serial line.
#[derive(Clone, Debug, LogicBlock)]
pub struct UartBridge {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// Line in.
    pub rx: Wire<In, Bit>,
    /// Line out.
    pub tx: Wire<Out, Bit>,
    /// The bus.
    pub bus: BusMaster,
    /// Whether a byte without a stop bit came.
    pub line_error: Wire<Out, Bit>,
    /// Whether a frame is dropped or refused for its bytes.
    pub frame_error: Wire<Out, Bit>,
    receiver: UartReceiver,
    transmitter: UartTransmitter,
    queue: StreamFifo,
    /// Block RAM is slow to show a word: this keeps it apart from the bridge's logic.
    step: StreamFifo,
    bridge: FrameBridge,
}

impl UartBridge {
    /// A bridge behind a line of the given timing, which holds `line_bytes` bytes.
    pub fn new(timing: &UartTiming, line_bytes: usize) -> Self {
        UartBridge {
            module_name: ModuleName::new(format!("uart_bridge_{}_{}", timing.clock_hertz(), timing.baud()))
                .about("A UART with a queue of received bytes, as streams of bytes."),
            clock: Wire::default(),
            reset: Wire::default(),
            rx: Wire::default(),
            tx: Wire::default(),
            bus: BusMaster::new(),
            line_error: Wire::default(),
            frame_error: Wire::default(),
            receiver: UartReceiver::new(timing),
            transmitter: UartTransmitter::new(timing),
            queue: StreamFifo::new(line_bytes, 8),
            step: StreamFifo::new(2, 8),
            bridge: FrameBridge::new(),
        }
    }
}

clocked!(UartBridge: clock);

impl Logic for UartBridge {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, receiver, transmitter, queue, step, bridge);
        self.receiver.reset.next = self.reset.val();
        self.transmitter.reset.next = self.reset.val();
        self.queue.reset.next = self.reset.val();
        self.step.reset.next = self.reset.val();
        self.bridge.reset.next = self.reset.val();

        self.receiver.rx.next = self.rx.val();
        self.queue.in_.data.next = self.receiver.data.val();
        self.queue.in_.valid.next = self.receiver.valid.val();
        StreamOut::join(&mut self.queue.out, &mut self.step.in_);
        StreamOut::join(&mut self.step.out, &mut self.bridge.in_);
        self.line_error.next = self.receiver.broken.val();

        StreamOut::join(&mut self.bridge.out, &mut self.transmitter.in_);
        self.tx.next = self.transmitter.tx.val();

        BusMaster::link(&mut self.bus, &mut self.bridge.bus);
        self.frame_error.next = self.bridge.frame_error.val();
    }
}
