//! The device on Wishbone: a core behind its windows and registers.
//!
//! Ports: those of [`wishbone`](super::wishbone), with clock and reset as the standard calls them; `busy`, high while images
//! are in work; `done`, high for one cycle when an answer is ready.

use super::bus::BusMaster;
use super::mapped_core::MappedCore;
use super::wishbone::{WishboneBridge, WishboneSlave};
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Wire, clocked};

/// A device on Wishbone.
#[derive(Debug, LogicBlock)]
pub struct WishboneDevice {
    module_name: ModuleName,
    /// The clock.
    pub wb_clk_i: Wire<In, Clock>,
    /// Reset, active high.
    pub wb_rst_i: Wire<In, Bit>,
    /// Wishbone.
    pub wb: WishboneSlave,
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
            module_name: ModuleName::new(name)
                .about("The device on Wishbone: a core behind its windows and registers."),
            wb_clk_i: Wire::default(),
            wb_rst_i: Wire::default(),
            wb: WishboneSlave::new(),
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

        WishboneSlave::link(&mut self.wb, &mut self.bridge.wb);

        BusMaster::join(&mut self.bridge.bus, &mut self.mapped.bus);
        self.busy.next = self.mapped.busy.val();
        self.done.next = self.mapped.image_done.val();
    }
}
