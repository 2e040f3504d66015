//! A core behind its windows and registers: words at addresses, for any bus.
//!
//! Ports: `clock`; `reset`, which begins a reset; the bus as [`register_file`](super::register_file) describes it, with
//! the events `line_error` and `frame_error`; `ready`, high once the reset is over; `busy`, high while images are in work;
//! `image_done`, high for one cycle when an answer is ready.
//!
//! After configuration, and when the host asks for it, core and windows are held in reset for [`RESET_CYCLES`](super::reset_timer::RESET_CYCLES) cycles:
//! longer than any answer stays in the core's pipelines, and than block RAM of an iCE40 needs to wake up. The bus goes on:
//! the request that asked for the reset is answered.

use super::bus::BusSlave;
use super::input_window::InputWindow;
use super::output_window::OutputWindow;
use super::register_file::{DeviceFacts, RegisterFile};
use super::reset_timer::ResetTimer;
use crate::blocks::address_bits;
use crate::blocks::weight_access::WeightsMaster;
use crate::blocks::width_converter::WidthConverter;
use crate::design::Pipeline;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, StreamOut, Wire, clocked};
use abi::packing::StreamFormat;
use abi::window::WindowFormat;

/// A core with everything that a bus needs to drive it.
#[derive(Debug, LogicBlock)]
pub struct MappedCore {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Whether to begin a reset.
    pub reset: Wire<In, Bit>,
    /// The bus.
    pub bus: BusSlave,
    /// A byte came broken.
    pub line_error: Wire<In, Bit>,
    /// A frame came broken.
    pub frame_error: Wire<In, Bit>,
    /// Whether the reset is over.
    pub ready: Wire<Out, Bit>,
    /// Whether images are in work.
    pub busy: Wire<Out, Bit>,
    /// An answer is complete.
    pub image_done: Wire<Out, Bit>,
    reset_timer: ResetTimer,
    registers: RegisterFile,
    input_window: InputWindow,
    input_converter: WidthConverter,
    core: Pipeline,
    output_converter: WidthConverter,
    output_window: OutputWindow,
    _weights: usize,
}

impl MappedCore {
    /// A block around `core`, whose streams are `input` and `output`.
    pub fn new(core: Pipeline, (input, output): (&StreamFormat, &StreamFormat), facts: &DeviceFacts) -> Self {
        let (window_in, window_out) = (WindowFormat::of(input), WindowFormat::of(output));
        let ring = |words| address_bits(abi::ring::depth(words, facts.slots));
        let ring_bits = ring(facts.input_words).max(ring(facts.output_words));
        let bits = |stream: &StreamFormat| stream.element.bits() as usize;
        MappedCore {
            module_name: ModuleName::new("mapped_core")
                .about("A core behind its windows and registers: words at addresses, for any bus."),
            clock: Wire::default(),
            reset: Wire::default(),
            bus: BusSlave::new(),
            line_error: Wire::default(),
            frame_error: Wire::default(),
            ready: Wire::default(),
            busy: Wire::default(),
            image_done: Wire::default(),
            reset_timer: ResetTimer::new(),
            registers: RegisterFile::new(facts, ring_bits),
            input_converter: WidthConverter::new(window_in.channels, bits(input), window_in.lanes(), input.lanes),
            input_window: InputWindow::new(&window_in, facts.slots),
            core,
            output_converter: WidthConverter::new(window_out.channels, bits(output), output.lanes, window_out.lanes()),
            output_window: OutputWindow::new(&window_out, facts.slots),
            _weights: usize::from(facts.weight_words > 0),
        }
    }

    /// What it was made around.
    pub fn into_core(self) -> Pipeline {
        self.core
    }
}

clocked!(MappedCore: clock);

impl Logic for MappedCore {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, reset_timer, registers, input_window, input_converter, core, output_converter);
        clock!(self, clock, output_window);

        self.reset_timer.request.next = self.reset.val() || self.registers.reset_request.val();
        self.registers.reset.next = self.reset_timer.reset.val();
        self.input_window.reset.next = self.reset_timer.reset.val();
        self.input_converter.reset.next = self.reset_timer.reset.val();
        self.core.reset.next = self.reset_timer.reset.val();
        self.output_converter.reset.next = self.reset_timer.reset.val();
        self.output_window.reset.next = self.reset_timer.reset.val();
        self.ready.next = !self.reset_timer.reset.val();
        self.busy.next = self.registers.busy.val();
        self.image_done.next = self.output_window.image_done.val();

        BusSlave::link(&mut self.bus, &mut self.registers.bus);
        self.registers.image_begun.next = false;
        self.registers.line_error.next = self.line_error.val();
        self.registers.frame_error.next = self.frame_error.val();

        self.input_window.write.next = self.registers.input_write.val();
        self.input_window.write_address.next = self.registers.window_address.val();
        self.input_window.write_data.next = self.bus.write_data.val();
        self.input_window.submitted.next = self.registers.submitted.val();
        StreamOut::join(&mut self.input_window.out, &mut self.input_converter.in_);
        StreamOut::join(&mut self.input_converter.out, &mut self.core.in_);
        StreamOut::join(&mut self.core.out, &mut self.output_converter.in_);
        StreamOut::join(&mut self.output_converter.out, &mut self.output_window.in_);
        self.output_window.read_address.next = self.registers.window_address.val();
        self.registers.output_data.next = self.output_window.q.val();
        self.registers.image_done.next = self.output_window.image_done.val();

        for i in 0..self._weights {
            WeightsMaster::join(&mut self.registers.weights[i], &mut self.core.weights[i]);
        }
    }
}
