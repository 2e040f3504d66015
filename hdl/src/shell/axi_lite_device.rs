//! The device on AXI4-Lite: a core behind its windows and registers.
//!
//! Ports: those of [`axi_lite`](super::axi_lite), with clock and reset as the standard calls them; `busy`, high while images
//! are in work; `done`, high for one cycle when an answer is ready.

use super::axi_lite::{AxiLiteBridge, AxiLiteSlave};
use super::bus::BusMaster;
use super::mapped_core::MappedCore;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Wire, clocked};

/// A device on AXI4-Lite.
#[derive(Debug, LogicBlock)]
pub struct AxiLiteDevice {
    module_name: ModuleName,
    /// The clock.
    pub aclk: Wire<In, Clock>,
    /// Reset, active low.
    pub aresetn: Wire<In, Bit>,
    /// AXI4-Lite.
    pub s_axi: AxiLiteSlave,
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
            module_name: ModuleName::new(name)
                .about("The device on AXI4-Lite: a core behind its windows and registers."),
            aclk: Wire::default(),
            aresetn: Wire::default(),
            s_axi: AxiLiteSlave::new(),
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

        AxiLiteSlave::link(&mut self.s_axi, &mut self.bridge.s_axi);

        BusMaster::join(&mut self.bridge.bus, &mut self.mapped.bus);
        self.busy.next = self.mapped.busy.val();
        self.done.next = self.mapped.image_done.val();
    }
}
