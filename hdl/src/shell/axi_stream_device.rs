//! The core with AXI4-Stream for images and answers, and AXI4-Lite for control and status.
//!
//! Ports: those of [`axi_stream`](super::axi_stream) and [`axi_lite`](super::axi_lite), with clock and reset as the standard
//! calls them; `busy`, high while images are in work; `done`, high for one cycle when the last word of an answer is taken.
//! Who needs no registers ties the inputs of AXI4-Lite to zero.
//!
//! The registers are those of every device, without windows. After a reset, streams wait for [`RESET_CYCLES`] cycles; a reset
//! by register drops words on their way, so both sides should be at rest.
//!
//! [`RESET_CYCLES`]: super::reset_timer::RESET_CYCLES

use super::axi_lite::{AxiLiteBridge, AxiLiteSlave};
use super::axi_stream::{AxiStreamCore, AxiStreamMaster, AxiStreamSlave};
use super::bus::BusMaster;
use super::register_file::{DeviceFacts, RegisterFile};
use super::reset_timer::ResetTimer;
use crate::blocks::weight_access::WeightsMaster;
use crate::design::Pipeline;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Wire, bits_of, clocked};
use abi::packing::StreamFormat;
use abi::window::WORD_BITS;

/// A core with streams and registers of AXI.
#[derive(Debug, LogicBlock)]
pub struct AxiStreamDevice {
    module_name: ModuleName,
    /// The clock.
    pub aclk: Wire<In, Clock>,
    /// Reset, active low.
    pub aresetn: Wire<In, Bit>,
    /// Images.
    pub s_axis: AxiStreamSlave,
    /// Answers.
    pub m_axis: AxiStreamMaster,
    /// AXI4-Lite.
    pub s_axi: AxiLiteSlave,
    /// Whether images are in work.
    pub busy: Wire<Out, Bit>,
    /// An answer is complete, for one cycle.
    pub done: Wire<Out, Bit>,
    bridge: AxiLiteBridge,
    registers: RegisterFile,
    reset_timer: ResetTimer,
    streams: AxiStreamCore,
    _word_bits: usize,
    _weights: usize,
}

impl AxiStreamDevice {
    /// A device called `name` around `streams`, the core whose streams are `input` and `output`.
    pub fn new(
        name: &str,
        streams: AxiStreamCore,
        (input, output): (&StreamFormat, &StreamFormat),
        facts: &DeviceFacts,
    ) -> Self {
        AxiStreamDevice {
            module_name: ModuleName::new(name)
                .about("The core with AXI4-Stream for images and answers, and AXI4-Lite for control and status."),
            aclk: Wire::default(),
            aresetn: Wire::default(),
            s_axis: AxiStreamSlave::new(input),
            m_axis: AxiStreamMaster::new(output),
            s_axi: AxiLiteSlave::new(),
            busy: Wire::default(),
            done: Wire::default(),
            bridge: AxiLiteBridge::new(),
            registers: RegisterFile::of_streams(facts),
            reset_timer: ResetTimer::new(),
            streams,
            _word_bits: WORD_BITS,
            _weights: usize::from(facts.weight_words > 0),
        }
    }

    /// The core that it was made around.
    pub fn into_core(self) -> Pipeline {
        self.streams.into_core()
    }
}

clocked!(AxiStreamDevice: aclk);

impl Logic for AxiStreamDevice {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, aclk, bridge, registers, reset_timer, streams);
        self.bridge.reset.next = !self.aresetn.val();
        self.reset_timer.request.next = !self.aresetn.val() || self.registers.reset_request.val();
        self.registers.reset.next = self.reset_timer.reset.val();
        self.streams.reset.next = self.reset_timer.reset.val();

        AxiStreamSlave::link(&mut self.s_axis, &mut self.streams.s_axis);
        AxiStreamMaster::link(&mut self.m_axis, &mut self.streams.m_axis);

        AxiLiteSlave::link(&mut self.s_axi, &mut self.bridge.s_axi);

        BusMaster::join(&mut self.bridge.bus, &mut self.registers.bus);
        self.registers.output_data.next = bits_of(0u64, self._word_bits);
        self.registers.line_error.next = false;
        self.registers.frame_error.next = self.streams.frame_error.val();
        self.registers.image_begun.next = self.streams.image_begun.val();
        self.registers.image_done.next = self.streams.image_done.val();
        self.busy.next = self.registers.busy.val();
        self.done.next = self.streams.image_done.val();
        for i in 0..self._weights {
            WeightsMaster::join(&mut self.registers.weights[i], &mut self.streams.weights[i]);
        }
    }
}
