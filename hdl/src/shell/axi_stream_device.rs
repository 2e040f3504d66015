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

use super::BUS_ADDRESS_BITS;
use super::axi_lite::{AxiLiteBridge, PROTECTION_BITS, RESPONSE_BITS};
use super::axi_stream::{AxiStreamCore, data_bits};
use super::register_file::{DeviceFacts, RegisterFile};
use super::reset_timer::ResetTimer;
use crate::blocks::weight_access::WeightsMaster;
use crate::design::Pipeline;
use crate::wire::{ModuleName, Wire, bits_of, clocked};
use abi::packing::StreamFormat;
use abi::window::WORD_BITS;
use rust_hdl::core::prelude::*;

/// A core with streams and registers of AXI.
#[derive(Debug, LogicBlock)]
pub struct AxiStreamDevice {
    module_name: ModuleName,
    /// The clock.
    pub aclk: Wire<In, Clock>,
    /// Reset, active low.
    pub aresetn: Wire<In, Bit>,
    /// Word in, padded to bytes.
    pub s_axis_tdata: Wire<In>,
    /// Whether the word in is said to be the last of an image.
    pub s_axis_tlast: Wire<In, Bit>,
    /// Whether there is a word in.
    pub s_axis_tvalid: Wire<In, Bit>,
    /// Whether the word in is taken.
    pub s_axis_tready: Wire<Out, Bit>,
    /// Word out, padded to bytes.
    pub m_axis_tdata: Wire<Out>,
    /// Whether the word out is the last of an answer.
    pub m_axis_tlast: Wire<Out, Bit>,
    /// Whether there is a word out.
    pub m_axis_tvalid: Wire<Out, Bit>,
    /// Whether the word out is taken.
    pub m_axis_tready: Wire<In, Bit>,
    /// Address of a write.
    pub s_axi_awaddr: Wire<In>,
    /// Protection of a write; ignored.
    pub s_axi_awprot: Wire<In>,
    /// Whether there is an address of a write.
    pub s_axi_awvalid: Wire<In, Bit>,
    /// Whether it is taken.
    pub s_axi_awready: Wire<Out, Bit>,
    /// Word of a write.
    pub s_axi_wdata: Wire<In>,
    /// Its bytes to write.
    pub s_axi_wstrb: Wire<In>,
    /// Whether there is one.
    pub s_axi_wvalid: Wire<In, Bit>,
    /// Whether it is taken.
    pub s_axi_wready: Wire<Out, Bit>,
    /// How a write ended.
    pub s_axi_bresp: Wire<Out>,
    /// Whether one has.
    pub s_axi_bvalid: Wire<Out, Bit>,
    /// Whether that is taken.
    pub s_axi_bready: Wire<In, Bit>,
    /// Address of a read.
    pub s_axi_araddr: Wire<In>,
    /// Protection of a read; ignored.
    pub s_axi_arprot: Wire<In>,
    /// Whether there is an address of a read.
    pub s_axi_arvalid: Wire<In, Bit>,
    /// Whether it is taken.
    pub s_axi_arready: Wire<Out, Bit>,
    /// Word read.
    pub s_axi_rdata: Wire<Out>,
    /// How the read ended.
    pub s_axi_rresp: Wire<Out>,
    /// Whether one has.
    pub s_axi_rvalid: Wire<Out, Bit>,
    /// Whether that is taken.
    pub s_axi_rready: Wire<In, Bit>,
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
            module_name: ModuleName::new(name),
            aclk: Wire::default(),
            aresetn: Wire::default(),
            s_axis_tdata: Wire::of(data_bits(input)),
            s_axis_tlast: Wire::default(),
            s_axis_tvalid: Wire::default(),
            s_axis_tready: Wire::default(),
            m_axis_tdata: Wire::of(data_bits(output)),
            m_axis_tlast: Wire::default(),
            m_axis_tvalid: Wire::default(),
            m_axis_tready: Wire::default(),
            s_axi_awaddr: Wire::of(BUS_ADDRESS_BITS),
            s_axi_awprot: Wire::of(PROTECTION_BITS),
            s_axi_awvalid: Wire::default(),
            s_axi_awready: Wire::default(),
            s_axi_wdata: Wire::of(WORD_BITS),
            s_axi_wstrb: Wire::of(WORD_BITS / 8),
            s_axi_wvalid: Wire::default(),
            s_axi_wready: Wire::default(),
            s_axi_bresp: Wire::of(RESPONSE_BITS),
            s_axi_bvalid: Wire::default(),
            s_axi_bready: Wire::default(),
            s_axi_araddr: Wire::of(BUS_ADDRESS_BITS),
            s_axi_arprot: Wire::of(PROTECTION_BITS),
            s_axi_arvalid: Wire::default(),
            s_axi_arready: Wire::default(),
            s_axi_rdata: Wire::of(WORD_BITS),
            s_axi_rresp: Wire::of(RESPONSE_BITS),
            s_axi_rvalid: Wire::default(),
            s_axi_rready: Wire::default(),
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

        self.streams.s_axis_tdata.next = self.s_axis_tdata.val();
        self.streams.s_axis_tlast.next = self.s_axis_tlast.val();
        self.streams.s_axis_tvalid.next = self.s_axis_tvalid.val();
        self.s_axis_tready.next = self.streams.s_axis_tready.val();
        self.m_axis_tdata.next = self.streams.m_axis_tdata.val();
        self.m_axis_tlast.next = self.streams.m_axis_tlast.val();
        self.m_axis_tvalid.next = self.streams.m_axis_tvalid.val();
        self.streams.m_axis_tready.next = self.m_axis_tready.val();

        self.bridge.s_axi_awaddr.next = self.s_axi_awaddr.val();
        self.bridge.s_axi_awvalid.next = self.s_axi_awvalid.val();
        self.s_axi_awready.next = self.bridge.s_axi_awready.val();
        self.bridge.s_axi_wdata.next = self.s_axi_wdata.val();
        self.bridge.s_axi_wstrb.next = self.s_axi_wstrb.val();
        self.bridge.s_axi_wvalid.next = self.s_axi_wvalid.val();
        self.s_axi_wready.next = self.bridge.s_axi_wready.val();
        self.s_axi_bresp.next = self.bridge.s_axi_bresp.val();
        self.s_axi_bvalid.next = self.bridge.s_axi_bvalid.val();
        self.bridge.s_axi_bready.next = self.s_axi_bready.val();
        self.bridge.s_axi_araddr.next = self.s_axi_araddr.val();
        self.bridge.s_axi_arvalid.next = self.s_axi_arvalid.val();
        self.s_axi_arready.next = self.bridge.s_axi_arready.val();
        self.s_axi_rdata.next = self.bridge.s_axi_rdata.val();
        self.s_axi_rresp.next = self.bridge.s_axi_rresp.val();
        self.s_axi_rvalid.next = self.bridge.s_axi_rvalid.val();
        self.bridge.s_axi_rready.next = self.s_axi_rready.val();

        self.registers.address.next = self.bridge.address.val();
        self.registers.write.next = self.bridge.write.val();
        self.registers.write_data.next = self.bridge.write_data.val();
        self.bridge.read_data.next = self.registers.read_data.val();
        self.bridge.readable.next = self.registers.readable.val();
        self.bridge.writable.next = self.registers.writable.val();
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
