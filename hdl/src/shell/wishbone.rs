//! A Wishbone slave (B4, classic cycles, 32 bits): the master of the bus inside a device.
//!
//! Ports: `clock`, `reset`; the Wishbone signals under their own names, `wb_adr_i` a byte address whose two lowest bits are
//! ignored; the bus as [`register_file`](super::register_file) describes it.
//!
//! A cycle ends in its sixth clock cycle, with `wb_ack_o`, or with `wb_err_o` where there is no such word or where a write
//! selects only some bytes of one. A write that selects no byte changes nothing. A master that withdraws its strobe gets
//! no answer.

use super::BUS_ADDRESS_BITS;
use super::bus::BusMaster;
use super::register_file::ANSWERS_FROM;
use crate::blocks::register::Register;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, Wire, Word, bits_of, clocked};
use abi::window::WORD_BITS;

/// Wishbone as a slave has it, with the standard's names.
#[derive(Clone, Debug, LogicInterface)]
pub struct WishboneSlave {
    /// Byte address.
    pub adr_i: Wire<In>,
    /// Word to write.
    pub dat_i: Wire<In>,
    /// Bytes to write.
    pub sel_i: Wire<In>,
    /// Whether to write.
    pub we_i: Wire<In, Bit>,
    /// Whether the slave is meant.
    pub stb_i: Wire<In, Bit>,
    /// Whether a cycle is under way.
    pub cyc_i: Wire<In, Bit>,
    /// Word read.
    pub dat_o: Wire<Out>,
    /// The cycle ends well.
    pub ack_o: Wire<Out, Bit>,
    /// The cycle ends badly.
    pub err_o: Wire<Out, Bit>,
}

impl WishboneSlave {
    /// An idle port.
    #[allow(clippy::new_without_default, reason = "ports are made by `new`")]
    pub fn new() -> Self {
        WishboneSlave {
            adr_i: Wire::of(BUS_ADDRESS_BITS),
            dat_i: Wire::of(WORD_BITS),
            sel_i: Wire::of(WORD_BITS / 8),
            we_i: Wire::default(),
            stb_i: Wire::default(),
            cyc_i: Wire::default(),
            dat_o: Wire::of(WORD_BITS),
            ack_o: Wire::default(),
            err_o: Wire::default(),
        }
    }
}

/// A slave on Wishbone that is a master inside.
#[derive(Clone, Debug, LogicBlock)]
pub struct WishboneBridge {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// Wishbone.
    pub wb: WishboneSlave,
    /// The bus.
    pub bus: BusMaster,
    /// Clock cycles that the strobe has been there.
    stage: Register,
    good: Register,
    data: Register,
    meant: Wire<Local, Bit>,
    /// The answers to the address are there.
    decided: Wire<Local, Bit>,
    whole: Wire<Local, Bit>,
    none: Wire<Local, Bit>,
    every_byte: Parameter,
    word_mask: Parameter,
    answered: Parameter,
    ends: Parameter,
    _address: usize,
    _stage: usize,
}

/// Bits that count the clock cycles before the one that answers.
const STAGE_BITS: usize = 3;

impl WishboneBridge {
    /// A bridge at rest.
    #[allow(clippy::new_without_default, reason = "blocks are made by `new`")]
    pub fn new() -> Self {
        WishboneBridge {
            module_name: ModuleName::new("wishbone_bridge")
                .about("A Wishbone B4 slave of 32 bits, classic cycles: the master of the bus inside a device."),
            clock: Wire::default(),
            reset: Wire::default(),
            wb: WishboneSlave::new(),
            bus: BusMaster::new(),
            stage: Register::new(STAGE_BITS),
            good: Register::new(1),
            data: Register::new(WORD_BITS),
            meant: Wire::default(),
            decided: Wire::default(),
            whole: Wire::default(),
            none: Wire::default(),
            every_byte: Parameter::new(Word::ones(WORD_BITS / 8)),
            word_mask: Parameter::new(Word::new(!3 & ((1 << BUS_ADDRESS_BITS) - 1), BUS_ADDRESS_BITS)),
            answered: Parameter::new(Word::new(ANSWERS_FROM as u64 - 1, STAGE_BITS)),
            ends: Parameter::new(Word::new(ANSWERS_FROM as u64, STAGE_BITS)),
            _address: 32,
            _stage: STAGE_BITS,
        }
    }
}

clocked!(WishboneBridge: clock);

impl Logic for WishboneBridge {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, stage, good, data);

        self.meant.next = self.wb.cyc_i.val() && self.wb.stb_i.val();
        self.whole.next = self.wb.sel_i.val() == self.every_byte.val();
        self.none.next = !self.wb.sel_i.val().any();
        self.decided.next = self.meant.val() && (self.stage.q.val() == self.answered.val());
        self.bus.address.next = bits_of(self.wb.adr_i.val() & self.word_mask.val(), self._address);
        self.bus.write_data.next = self.wb.dat_i.val();
        self.bus.write.next = self.decided.val() && self.wb.we_i.val() && self.whole.val() && self.bus.writable.val();

        self.data.d.next = self.bus.read_data.val();
        self.good.d.next = bits_of(self.bus.readable.val(), 1);
        if self.wb.we_i.val() {
            self.good.d.next = bits_of(self.none.val() || (self.whole.val() && self.bus.writable.val()), 1);
        }
        self.stage.d.next = self.stage.q.val() + 1u64;
        if !self.meant.val() || (self.stage.q.val() == self.ends.val()) || self.reset.val() {
            self.stage.d.next = bits_of(0u64, self._stage);
        }
        self.wb.dat_o.next = self.data.q.val();
        self.wb.ack_o.next = self.meant.val() && (self.stage.q.val() == self.ends.val()) && self.good.q.val().any();
        self.wb.err_o.next = self.meant.val() && (self.stage.q.val() == self.ends.val()) && !self.good.q.val().any();
    }
}
