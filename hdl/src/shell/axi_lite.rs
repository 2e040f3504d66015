//! An AXI4-Lite slave (32 bits): the master of the bus inside a device.
//!
//! Ports: `clock`, `reset`; the AXI4-Lite signals under their own names, addresses in bytes, their two lowest bits ignored;
//! the bus as [`register_file`](super::register_file) describes it.
//!
//! Address and data of a write may come in either order. Every output is made from registers alone, so no ready waits for
//! a valid within a clock cycle, nor a valid for a ready. One access is carried out at a time, six clock cycles after
//! the last of its handshakes at the earliest; reads and writes that wait take turns. The response is `SLVERR` where there
//! is no such word, or where a write's strobes select only some bytes of one. A write that selects no byte changes nothing.

use super::BUS_ADDRESS_BITS;
use super::bus::BusMaster;
use super::register_file::ANSWERS_FROM;
use crate::blocks::register::Register;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, Wire, Word, bits_of, clocked};
use abi::window::WORD_BITS;

/// AXI4-Lite as a slave has it, with the standard's names.
#[derive(Clone, Debug, LogicInterface)]
pub struct AxiLiteSlave {
    /// Address of a write.
    pub awaddr: Wire<In>,
    /// Protection of a write; ignored.
    pub awprot: Wire<In>,
    /// Whether there is an address of a write.
    pub awvalid: Wire<In, Bit>,
    /// Whether it is taken.
    pub awready: Wire<Out, Bit>,
    /// Word of a write.
    pub wdata: Wire<In>,
    /// Its bytes to write.
    pub wstrb: Wire<In>,
    /// Whether there is one.
    pub wvalid: Wire<In, Bit>,
    /// Whether it is taken.
    pub wready: Wire<Out, Bit>,
    /// How a write ended.
    pub bresp: Wire<Out>,
    /// Whether one has.
    pub bvalid: Wire<Out, Bit>,
    /// Whether that is taken.
    pub bready: Wire<In, Bit>,
    /// Address of a read.
    pub araddr: Wire<In>,
    /// Protection of a read; ignored.
    pub arprot: Wire<In>,
    /// Whether there is an address of a read.
    pub arvalid: Wire<In, Bit>,
    /// Whether it is taken.
    pub arready: Wire<Out, Bit>,
    /// Word read.
    pub rdata: Wire<Out>,
    /// How the read ended.
    pub rresp: Wire<Out>,
    /// Whether one has.
    pub rvalid: Wire<Out, Bit>,
    /// Whether that is taken.
    pub rready: Wire<In, Bit>,
}

impl AxiLiteSlave {
    /// An idle port.
    #[allow(clippy::new_without_default, reason = "ports are made by `new`")]
    pub fn new() -> Self {
        AxiLiteSlave {
            awaddr: Wire::of(BUS_ADDRESS_BITS),
            awprot: Wire::of(PROTECTION_BITS),
            awvalid: Wire::default(),
            awready: Wire::default(),
            wdata: Wire::of(WORD_BITS),
            wstrb: Wire::of(WORD_BITS / 8),
            wvalid: Wire::default(),
            wready: Wire::default(),
            bresp: Wire::of(RESPONSE_BITS),
            bvalid: Wire::default(),
            bready: Wire::default(),
            araddr: Wire::of(BUS_ADDRESS_BITS),
            arprot: Wire::of(PROTECTION_BITS),
            arvalid: Wire::default(),
            arready: Wire::default(),
            rdata: Wire::of(WORD_BITS),
            rresp: Wire::of(RESPONSE_BITS),
            rvalid: Wire::default(),
            rready: Wire::default(),
        }
    }
}

/// A slave on AXI4-Lite that is a master inside.
#[derive(Clone, Debug, LogicBlock)]
pub struct AxiLiteBridge {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: Wire<In, Bit>,
    /// AXI4-Lite.
    pub s_axi: AxiLiteSlave,
    /// The bus.
    pub bus: BusMaster,
    /// An address of a write waits, and its word.
    address_taken: Register,
    word_taken: Register,
    write_address: Register,
    word: Register,
    strobes: Register,
    write_response: Register,
    write_done: Register,
    /// An address of a read waits.
    read_taken: Register,
    read_address: Register,
    read_word: Register,
    read_response: Register,
    read_done: Register,
    /// 0 at rest, then the clock cycles that an address has been on the bus.
    stage: Register,
    /// Whether the access under way, or else the last one, is a write.
    writing: Register,
    can_write: Wire<Local, Bit>,
    can_read: Wire<Local, Bit>,
    finish_write: Wire<Local, Bit>,
    finish_read: Wire<Local, Bit>,
    whole: Wire<Local, Bit>,
    none: Wire<Local, Bit>,
    every_byte: Parameter,
    word_mask: Parameter,
    slave_error: Parameter,
    answered: Parameter,
    _address: usize,
    _stage: usize,
}

/// Bits that count the clock cycles of an access.
const STAGE_BITS: usize = 3;

/// Bits of a response.
pub const RESPONSE_BITS: usize = 2;

/// Bits that say how an access is protected, which no device here asks for.
pub const PROTECTION_BITS: usize = 3;

/// The response of a slave that was reached and refuses.
pub const SLAVE_ERROR: u64 = 0b10;

impl AxiLiteBridge {
    /// A bridge at rest.
    #[allow(clippy::new_without_default, reason = "blocks are made by `new`")]
    pub fn new() -> Self {
        AxiLiteBridge {
            module_name: ModuleName::new("axi_lite_bridge")
                .about("An AXI4-Lite slave of 32 bits: the master of the bus inside a device."),
            clock: Wire::default(),
            reset: Wire::default(),
            s_axi: AxiLiteSlave::new(),
            bus: BusMaster::new(),
            address_taken: Register::new(1),
            word_taken: Register::new(1),
            write_address: Register::new(BUS_ADDRESS_BITS),
            word: Register::new(WORD_BITS),
            strobes: Register::new(WORD_BITS / 8),
            write_response: Register::new(RESPONSE_BITS),
            write_done: Register::new(1),
            read_taken: Register::new(1),
            read_address: Register::new(BUS_ADDRESS_BITS),
            read_word: Register::new(WORD_BITS),
            read_response: Register::new(RESPONSE_BITS),
            read_done: Register::new(1),
            stage: Register::new(STAGE_BITS),
            writing: Register::new(1),
            can_write: Wire::default(),
            can_read: Wire::default(),
            finish_write: Wire::default(),
            finish_read: Wire::default(),
            whole: Wire::default(),
            none: Wire::default(),
            every_byte: Parameter::new(Word::ones(WORD_BITS / 8)),
            word_mask: Parameter::new(Word::new(!3 & ((1 << BUS_ADDRESS_BITS) - 1), BUS_ADDRESS_BITS)),
            slave_error: Parameter::new(Word::new(SLAVE_ERROR, RESPONSE_BITS)),
            answered: Parameter::new(Word::new(ANSWERS_FROM as u64, STAGE_BITS)),
            _address: 32,
            _stage: STAGE_BITS,
        }
    }
}

clocked!(AxiLiteBridge: clock);

impl Logic for AxiLiteBridge {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, address_taken, word_taken, write_address, word, strobes, write_response);
        clock!(self, clock, write_done, read_taken, read_address, read_word, read_response, read_done, stage);
        clock!(self, clock, writing);

        self.s_axi.awready.next = !self.address_taken.q.val().any();
        self.s_axi.wready.next = !self.word_taken.q.val().any();
        self.s_axi.bresp.next = self.write_response.q.val();
        self.s_axi.bvalid.next = self.write_done.q.val().any();
        self.s_axi.arready.next = !self.read_taken.q.val().any();
        self.s_axi.rdata.next = self.read_word.q.val();
        self.s_axi.rresp.next = self.read_response.q.val();
        self.s_axi.rvalid.next = self.read_done.q.val().any();

        self.bus.address.next = bits_of(self.read_address.q.val() & self.word_mask.val(), self._address);
        if self.writing.q.val().any() {
            self.bus.address.next = bits_of(self.write_address.q.val() & self.word_mask.val(), self._address);
        }
        self.bus.write_data.next = self.word.q.val();
        self.whole.next = self.strobes.q.val() == self.every_byte.val();
        self.none.next = !self.strobes.q.val().any();

        // An access begins when its response has room.
        self.can_write.next =
            self.address_taken.q.val().any() && self.word_taken.q.val().any() && !self.write_done.q.val().any();
        self.can_read.next = self.read_taken.q.val().any() && !self.read_done.q.val().any();
        self.stage.d.next = self.stage.q.val();
        self.writing.d.next = self.writing.q.val();
        if self.stage.q.val().any() {
            self.stage.d.next = self.stage.q.val() + 1u64;
        } else if self.can_write.val() && (!self.can_read.val() || !self.writing.q.val().any()) {
            self.stage.d.next = bits_of(1u64, self._stage);
            self.writing.d.next = bits_of(1u64, 1);
        } else if self.can_read.val() {
            self.stage.d.next = bits_of(1u64, self._stage);
            self.writing.d.next = bits_of(0u64, 1);
        }
        self.finish_write.next = (self.stage.q.val() == self.answered.val()) && self.writing.q.val().any();
        self.finish_read.next = (self.stage.q.val() == self.answered.val()) && !self.writing.q.val().any();
        self.bus.write.next = self.finish_write.val() && self.whole.val() && self.bus.writable.val();

        self.write_address.d.next = self.write_address.q.val();
        self.address_taken.d.next = self.address_taken.q.val();
        if self.s_axi.awvalid.val() && self.s_axi.awready.val() {
            self.write_address.d.next = self.s_axi.awaddr.val();
            self.address_taken.d.next = bits_of(1u64, 1);
        }
        self.word.d.next = self.word.q.val();
        self.strobes.d.next = self.strobes.q.val();
        self.word_taken.d.next = self.word_taken.q.val();
        if self.s_axi.wvalid.val() && self.s_axi.wready.val() {
            self.word.d.next = self.s_axi.wdata.val();
            self.strobes.d.next = self.s_axi.wstrb.val();
            self.word_taken.d.next = bits_of(1u64, 1);
        }
        self.write_done.d.next = self.write_done.q.val();
        self.write_response.d.next = self.write_response.q.val();
        if self.s_axi.bready.val() {
            self.write_done.d.next = bits_of(0u64, 1);
        }
        self.read_address.d.next = self.read_address.q.val();
        self.read_taken.d.next = self.read_taken.q.val();
        if self.s_axi.arvalid.val() && self.s_axi.arready.val() {
            self.read_address.d.next = self.s_axi.araddr.val();
            self.read_taken.d.next = bits_of(1u64, 1);
        }
        self.read_done.d.next = self.read_done.q.val();
        self.read_word.d.next = self.read_word.q.val();
        self.read_response.d.next = self.read_response.q.val();
        if self.s_axi.rready.val() {
            self.read_done.d.next = bits_of(0u64, 1);
        }
        if self.finish_write.val() {
            self.stage.d.next = bits_of(0u64, self._stage);
            self.address_taken.d.next = bits_of(0u64, 1);
            self.word_taken.d.next = bits_of(0u64, 1);
            self.write_done.d.next = bits_of(1u64, 1);
            self.write_response.d.next = self.slave_error.val();
            if self.none.val() || (self.whole.val() && self.bus.writable.val()) {
                self.write_response.d.next = bits_of(0u64, 2);
            }
        }
        if self.finish_read.val() {
            self.stage.d.next = bits_of(0u64, self._stage);
            self.read_taken.d.next = bits_of(0u64, 1);
            self.read_done.d.next = bits_of(1u64, 1);
            self.read_word.d.next = self.bus.read_data.val();
            self.read_response.d.next = self.slave_error.val();
            if self.bus.readable.val() {
                self.read_response.d.next = bits_of(0u64, 2);
            }
        }
        if self.reset.val() {
            self.stage.d.next = bits_of(0u64, self._stage);
            self.address_taken.d.next = bits_of(0u64, 1);
            self.word_taken.d.next = bits_of(0u64, 1);
            self.write_done.d.next = bits_of(0u64, 1);
            self.read_taken.d.next = bits_of(0u64, 1);
            self.read_done.d.next = bits_of(0u64, 1);
        }
    }
}
