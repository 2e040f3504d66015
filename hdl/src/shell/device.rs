//! The device: a core behind its windows, registers and UART.
//!
//! Ports: `clock`; `rx` and `tx`, the UART's pins; `ready`, high once the reset is over; `busy`, high while images are in
//! work.
//!
//! After configuration, and when the host asks for it, core and windows are held in reset for [`RESET_CYCLES`] cycles:
//! longer than any answer stays in the core's pipelines, and than block RAM of an iCE40 needs to wake up.

use super::input_window::{InputWindow, ring_depth};
use super::output_window::OutputWindow;
use super::register_file::{DeviceFacts, RegisterFile};
use super::uart_bridge::UartBridge;
use crate::blocks::address_bits;
use crate::blocks::register::Register;
use crate::blocks::width_converter::WidthConverter;
use crate::design::Pipeline;
use crate::wire::{Clocked, ModuleName, Parameter, Wire, Word, bits_of};
use abi::packing::StreamFormat;
use abi::uart::UartTiming;
use abi::window::WindowFormat;
use rust_hdl::core::prelude::*;

/// Length of a reset in clock cycles.
pub const RESET_CYCLES: usize = 128;

/// A core with everything that a host needs to drive it.
#[derive(Debug, LogicBlock)]
pub struct Device {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// The UART's line in.
    pub rx: Wire<In, Bit>,
    /// The UART's line out.
    pub tx: Wire<Out, Bit>,
    /// Whether the reset is over.
    pub ready: Wire<Out, Bit>,
    /// Whether images are in work.
    pub busy: Wire<Out, Bit>,
    bridge: UartBridge,
    registers: RegisterFile,
    input_window: InputWindow,
    input_converter: WidthConverter,
    core: Pipeline,
    output_converter: WidthConverter,
    output_window: OutputWindow,
    reset_count: Register,
    reset: Wire<Local, Bit>,
    last_count: Parameter,
    _count: usize,
    _weights: usize,
}

impl Device {
    /// A device called `name` around `core`, whose streams are `input` and `output`.
    pub fn new(
        name: &str,
        core: Pipeline,
        (input, output): (&StreamFormat, &StreamFormat),
        facts: &DeviceFacts,
        uart: &UartTiming,
    ) -> Self {
        let (window_in, window_out) = (WindowFormat::of(input), WindowFormat::of(output));
        let ring = |words| address_bits(ring_depth(words, facts.slots));
        let ring_bits = ring(facts.input_words).max(ring(facts.output_words));
        let bits = |stream: &StreamFormat| stream.element.bits() as usize;
        let count = address_bits(RESET_CYCLES);
        Device {
            module_name: ModuleName::new(name),
            clock: Wire::default(),
            rx: Wire::default(),
            tx: Wire::default(),
            ready: Wire::default(),
            busy: Wire::default(),
            bridge: UartBridge::new(uart),
            registers: RegisterFile::new(facts, ring_bits),
            input_converter: WidthConverter::new(window_in.channels, bits(input), window_in.lanes(), input.lanes),
            input_window: InputWindow::new(&window_in, facts.slots),
            core,
            output_converter: WidthConverter::new(window_out.channels, bits(output), output.lanes, window_out.lanes()),
            output_window: OutputWindow::new(&window_out, facts.slots),
            reset_count: Register::new(count),
            reset: Wire::default(),
            last_count: Parameter::new(Word::new(RESET_CYCLES as u64 - 1, count)),
            _count: count,
            _weights: usize::from(facts.weight_words > 0),
        }
    }
}

impl Clocked for Device {
    fn clock(&mut self) -> &mut Wire<In, Clock> {
        &mut self.clock
    }
}

impl Logic for Device {
    #[hdl_gen]
    fn update(&mut self) {
        self.bridge.clock.next = self.clock.val();
        self.registers.clock.next = self.clock.val();
        self.input_window.clock.next = self.clock.val();
        self.input_converter.clock.next = self.clock.val();
        self.core.clock.next = self.clock.val();
        self.output_converter.clock.next = self.clock.val();
        self.output_window.clock.next = self.clock.val();
        self.reset_count.clock.next = self.clock.val();

        self.reset.next = self.reset_count.q.val() != self.last_count.val();
        self.reset_count.d.next = self.reset_count.q.val();
        if self.reset.val() {
            self.reset_count.d.next = self.reset_count.q.val() + 1u64;
        }
        if self.registers.reset_request.val() {
            self.reset_count.d.next = bits_of(0u64, self._count);
        }
        self.registers.reset.next = self.reset.val();
        self.input_window.reset.next = self.reset.val();
        self.input_converter.reset.next = self.reset.val();
        self.core.reset.next = self.reset.val();
        self.output_converter.reset.next = self.reset.val();
        self.output_window.reset.next = self.reset.val();
        self.ready.next = !self.reset.val();
        self.busy.next = self.registers.busy.val();

        // The bridge must answer the request that asked for the reset.
        self.bridge.reset.next = false;
        self.bridge.rx.next = self.rx.val();
        self.tx.next = self.bridge.tx.val();
        self.registers.address.next = self.bridge.address.val();
        self.registers.write.next = self.bridge.write.val();
        self.registers.write_data.next = self.bridge.write_data.val();
        self.registers.line_error.next = self.bridge.line_error.val();
        self.registers.frame_error.next = self.bridge.frame_error.val();
        self.bridge.read_data.next = self.registers.read_data.val();
        self.bridge.readable.next = self.registers.readable.val();
        self.bridge.writable.next = self.registers.writable.val();

        self.input_window.write.next = self.registers.input_write.val();
        self.input_window.write_address.next = self.registers.window_address.val();
        self.input_window.write_data.next = self.bridge.write_data.val();
        self.input_window.submitted.next = self.registers.submitted.val();
        self.input_converter.in_data.next = self.input_window.out_data.val();
        self.input_converter.in_valid.next = self.input_window.out_valid.val();
        self.input_window.out_ready.next = self.input_converter.in_ready.val();
        self.core.in_data.next = self.input_converter.out_data.val();
        self.core.in_valid.next = self.input_converter.out_valid.val();
        self.input_converter.out_ready.next = self.core.in_ready.val();
        self.output_converter.in_data.next = self.core.out_data.val();
        self.output_converter.in_valid.next = self.core.out_valid.val();
        self.core.out_ready.next = self.output_converter.in_ready.val();
        self.output_window.in_data.next = self.output_converter.out_data.val();
        self.output_window.in_valid.next = self.output_converter.out_valid.val();
        self.output_converter.out_ready.next = self.output_window.in_ready.val();
        self.output_window.read_address.next = self.registers.window_address.val();
        self.registers.output_data.next = self.output_window.q.val();
        self.registers.image_done.next = self.output_window.image_done.val();

        for i in 0..self._weights {
            self.core.weights_select[i].next = self.registers.weights_select[i].val();
            self.core.weights_write[i].next = self.registers.weights_write[i].val();
            self.core.weights_address[i].next = self.registers.weights_address[i].val();
            self.core.weights_data[i].next = self.bridge.write_data.val();
            self.registers.weights_q[i].next = self.core.weights_q[i].val();
        }
    }
}
