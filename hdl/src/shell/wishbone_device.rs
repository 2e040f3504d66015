//! The device on Wishbone: a core behind its windows and registers.
//!
//! Ports: those of [`wishbone`](super::wishbone), with clock and reset as the standard calls them; `busy`, high while images
//! are in work; `done`, high for one cycle when an answer is ready.

use super::BUS_ADDRESS_BITS;
use super::mapped_core::MappedCore;
use super::wishbone::WishboneBridge;
use crate::wire::{ModuleName, Wire, clocked};
use abi::window::WORD_BITS;
use rust_hdl::core::prelude::*;

/// A device on Wishbone.
#[derive(Debug, LogicBlock)]
pub struct WishboneDevice {
    module_name: ModuleName,
    /// The clock.
    pub wb_clk_i: Wire<In, Clock>,
    /// Reset, active high.
    pub wb_rst_i: Wire<In, Bit>,
    /// Byte address.
    pub wb_adr_i: Wire<In>,
    /// Word to write.
    pub wb_dat_i: Wire<In>,
    /// Bytes to write.
    pub wb_sel_i: Wire<In>,
    /// Whether to write.
    pub wb_we_i: Wire<In, Bit>,
    /// Whether the slave is meant.
    pub wb_stb_i: Wire<In, Bit>,
    /// Whether a cycle is under way.
    pub wb_cyc_i: Wire<In, Bit>,
    /// Word read.
    pub wb_dat_o: Wire<Out>,
    /// The cycle ends well.
    pub wb_ack_o: Wire<Out, Bit>,
    /// The cycle ends badly.
    pub wb_err_o: Wire<Out, Bit>,
    /// Whether images are in work.
    pub busy: Wire<Out, Bit>,
    /// An answer is complete, for one cycle.
    pub done: Wire<Out, Bit>,
    bridge: WishboneBridge,
    mapped: MappedCore,
}

impl WishboneDevice {
    /// A device called `name` around `mapped`.
    pub fn new(name: &str, mapped: MappedCore) -> Self {
        WishboneDevice {
            module_name: ModuleName::new(name),
            wb_clk_i: Wire::default(),
            wb_rst_i: Wire::default(),
            wb_adr_i: Wire::of(BUS_ADDRESS_BITS),
            wb_dat_i: Wire::of(WORD_BITS),
            wb_sel_i: Wire::of(WORD_BITS / 8),
            wb_we_i: Wire::default(),
            wb_stb_i: Wire::default(),
            wb_cyc_i: Wire::default(),
            wb_dat_o: Wire::of(WORD_BITS),
            wb_ack_o: Wire::default(),
            wb_err_o: Wire::default(),
            busy: Wire::default(),
            done: Wire::default(),
            bridge: WishboneBridge::new(),
            mapped,
        }
    }

    /// What it was made around.
    pub fn into_mapped(self) -> MappedCore {
        self.mapped
    }
}

clocked!(WishboneDevice: wb_clk_i);

impl Logic for WishboneDevice {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, wb_clk_i, bridge, mapped);
        self.bridge.reset.next = self.wb_rst_i.val();
        self.mapped.reset.next = self.wb_rst_i.val();
        self.mapped.line_error.next = false;
        self.mapped.frame_error.next = false;

        self.bridge.wb_adr_i.next = self.wb_adr_i.val();
        self.bridge.wb_dat_i.next = self.wb_dat_i.val();
        self.bridge.wb_sel_i.next = self.wb_sel_i.val();
        self.bridge.wb_we_i.next = self.wb_we_i.val();
        self.bridge.wb_stb_i.next = self.wb_stb_i.val();
        self.bridge.wb_cyc_i.next = self.wb_cyc_i.val();
        self.wb_dat_o.next = self.bridge.wb_dat_o.val();
        self.wb_ack_o.next = self.bridge.wb_ack_o.val();
        self.wb_err_o.next = self.bridge.wb_err_o.val();

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
