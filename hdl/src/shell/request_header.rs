//! What the header of a request says ([`abi::frame`]).
//!
//! Ports, all of one cycle: `header`, the eight bytes, the first one lowest; `is_read`, whether it asks to read, else to
//! write; `is_register`, whether the address is below the windows; `address`; `words`, their number modulo
//! [`MAX_WORDS`]; `refusal`, why the request is refused for its header alone, 0 where it is not.

use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, Wire, Word, bits_of};
use abi::frame::{FrameKind, HEADER_BYTES, MAX_WORDS, Refusal};
use abi::registers::INPUT_WINDOW;

/// Bits of a [`Refusal`]'s code.
pub const REFUSAL_BITS: usize = 3;

/// Bits of the number of a payload's word.
pub const INDEX_BITS: usize = MAX_WORDS.ilog2() as usize;

// Requests are distinguished by their lowest bit, regions of addresses by high bits alone.
const _: () = assert!(FrameKind::Read.code() & 1 == 1 && FrameKind::Write.code() & 1 == 0);
const _: () = assert!(INPUT_WINDOW.is_power_of_two() && MAX_WORDS.is_power_of_two());

/// A request's header, decoded.
#[derive(Clone, Debug, LogicBlock)]
pub struct RequestHeader {
    module_name: ModuleName,
    /// The bytes.
    pub header: Wire<In>,
    /// Whether it asks to read.
    pub is_read: Wire<Out, Bit>,
    /// Whether its address is that of a register.
    pub is_register: Wire<Out, Bit>,
    /// Address of its first word.
    pub address: Wire<Out>,
    /// Number of its words.
    pub words: Wire<Out>,
    /// Why it is refused.
    pub refusal: Wire<Out>,
    kind: Wire<Local>,
    count: Wire<Local>,
    read_kind: Parameter,
    write_kind: Parameter,
    most_words: Parameter,
    window_place: Parameter,
    address_refusal: Parameter,
    count_refusal: Parameter,
    kind_refusal: Parameter,
    _refusal: usize,
}

impl RequestHeader {
    /// The header of any request.
    #[allow(clippy::new_without_default, reason = "blocks are made by `new`")]
    pub fn new() -> Self {
        let kind = |kind: FrameKind| Parameter::new(Word::new(kind.code().into(), 8));
        let refusal = |refusal: Refusal| Parameter::new(Word::new(refusal.code().into(), REFUSAL_BITS));
        RequestHeader {
            module_name: ModuleName::new("request_header").about("Decodes the header of a request frame."),
            header: Wire::of(8 * HEADER_BYTES),
            is_read: Wire::default(),
            is_register: Wire::default(),
            address: Wire::of(32),
            words: Wire::of(INDEX_BITS),
            refusal: Wire::of(REFUSAL_BITS),
            kind: Wire::of(8),
            count: Wire::of(16),
            read_kind: kind(FrameKind::Read),
            write_kind: kind(FrameKind::Write),
            most_words: Parameter::new(Word::new(MAX_WORDS as u64, 16)),
            window_place: Parameter::number(INPUT_WINDOW.ilog2() as usize),
            address_refusal: refusal(Refusal::Address),
            count_refusal: refusal(Refusal::Count),
            kind_refusal: refusal(Refusal::Kind),
            _refusal: REFUSAL_BITS,
        }
    }
}

impl Logic for RequestHeader {
    #[hdl_gen]
    fn update(&mut self) {
        self.kind.next = self.header.val();
        self.count.next = self.header.val() >> 16u64;
        self.address.next = self.header.val() >> 32u64;
        self.is_read.next = self.header.val().get_bit(0u64);
        self.is_register.next = !(self.address.val() >> self.window_place.val()).any();
        self.words.next = self.count.val();

        self.refusal.next = bits_of(0u64, self._refusal);
        if (self.kind.val() != self.read_kind.val()) && (self.kind.val() != self.write_kind.val()) {
            self.refusal.next = self.kind_refusal.val();
        } else if !self.count.val().any()
            || (self.count.val() > self.most_words.val())
            || (!self.is_read.val() && self.is_register.val() && (self.count.val() != 1u64))
        {
            self.refusal.next = self.count_refusal.val();
        } else if bits_of(self.address.val(), 2).any() {
            self.refusal.next = self.address_refusal.val();
        }
    }
}
