//! The device on AXI4-Lite: a core behind its windows and registers.
//!
//! Ports: those of [`axi_lite`](super::axi_lite), with clock and reset as the standard calls them; `busy`, high while images
//! are in work; `done`, high for one cycle when an answer is ready.

use super::BUS_ADDRESS_BITS;
use super::axi_lite::{AxiLiteBridge, PROTECTION_BITS, RESPONSE_BITS};
use super::mapped_core::MappedCore;
use crate::wire::{ModuleName, Wire, clocked};
use abi::window::WORD_BITS;
use rust_hdl::core::prelude::*;

/// A device on AXI4-Lite.
#[derive(Debug, LogicBlock)]
pub struct AxiLiteDevice {
    module_name: ModuleName,
    /// The clock.
    pub aclk: Wire<In, Clock>,
    /// Reset, active low.
    pub aresetn: Wire<In, Bit>,
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
    mapped: MappedCore,
}

impl AxiLiteDevice {
    /// A device called `name` around `mapped`.
    pub fn new(name: &str, mapped: MappedCore) -> Self {
        AxiLiteDevice {
            module_name: ModuleName::new(name),
            aclk: Wire::default(),
            aresetn: Wire::default(),
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
            mapped,
        }
    }

    /// What it was made around.
    pub fn into_mapped(self) -> MappedCore {
        self.mapped
    }
}

clocked!(AxiLiteDevice: aclk);

impl Logic for AxiLiteDevice {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, aclk, bridge, mapped);
        self.bridge.reset.next = !self.aresetn.val();
        self.mapped.reset.next = !self.aresetn.val();
        self.mapped.line_error.next = false;
        self.mapped.frame_error.next = false;

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

        self.mapped.address.next = self.bridge.address.val();
        self.mapped.write.next = self.bridge.write.val();
        self.mapped.write_data.next = self.bridge.write_data.val();
        self.bridge.read_data.next = self.mapped.read_data.val();
        self.bridge.readable.next = self.mapped.readable.val();
        self.bridge.writable.next = self.mapped.writable.val();
        self.busy.next = self.mapped.busy.val();
        self.done.next = self.mapped.image_done.val();
    }
}
