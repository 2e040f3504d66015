//! The device: a core behind its windows, registers and UART.
//!
//! Ports: `clock`; `reset`, high for as long as the clock is not to be relied on, as before a PLL has locked; `rx` and
//! `tx`, the UART's pins; `ready`, high once the reset is over; `busy`, high while images are in work.

use super::bus::BusMaster;
use super::mapped_core::MappedCore;
use super::uart_bridge::UartBridge;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Wire, clocked};
use abi::uart::UartTiming;

/// A core with everything that a host needs to drive it.
#[derive(Debug, LogicBlock)]
pub struct Device {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset of everything.
    pub reset: Wire<In, Bit>,
    /// The UART's line in.
    pub rx: Wire<In, Bit>,
    /// The UART's line out.
    pub tx: Wire<Out, Bit>,
    /// Whether the reset is over.
    pub ready: Wire<Out, Bit>,
    /// Whether images are in work.
    pub busy: Wire<Out, Bit>,
    bridge: UartBridge,
    mapped: MappedCore,
}

impl Device {
    /// A device called `name` around `mapped`, whose line holds `line_bytes` bytes.
    pub fn new(name: &str, mapped: MappedCore, uart: &UartTiming, line_bytes: usize) -> Self {
        Device {
            module_name: ModuleName::new(name).about("The device: a core behind its windows, registers and UART."),
            clock: Wire::default(),
            reset: Wire::default(),
            rx: Wire::default(),
            tx: Wire::default(),
            ready: Wire::default(),
            busy: Wire::default(),
            bridge: UartBridge::new(uart, line_bytes),
            mapped,
        }
    }
}

clocked!(Device: clock);

impl Logic for Device {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, bridge, mapped);
        self.mapped.reset.next = self.reset.val();
        // Not by a reset that the host asks for: the bridge must answer that request.
        self.bridge.reset.next = self.reset.val();

        self.bridge.rx.next = self.rx.val();
        self.tx.next = self.bridge.tx.val();
        BusMaster::join(&mut self.bridge.bus, &mut self.mapped.bus);
        self.mapped.line_error.next = self.bridge.line_error.val();
        self.mapped.frame_error.next = self.bridge.frame_error.val();
        self.ready.next = self.mapped.ready.val();
        self.busy.next = self.mapped.busy.val();
    }
}
