//! The way from a bus to the memories of weights.
//!
//! Ports: `clock`; `select`, whether the bus is at a word of the weights, with `address`, the word's number; `write`,
//! whether to store `data` there; `q`, the word at the address of three cycles before; towards the memories `access`, one
//! cycle later; from each memory in `answers` its word, one cycle after `access`, zero where the word is another's.
//!
//! `access` holds from the lowest bit on: the data, the address, `write`, `select`.

#![allow(missing_docs, reason = "`LogicInterface` writes a `join` without documentation")]

use super::register::Register;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, Wire, bits_of};
use abi::weights::ADDRESS_BITS;
use abi::window::WORD_BITS;

/// Bits of an access.
pub const ACCESS_BITS: usize = WORD_BITS + ADDRESS_BITS + 2;
/// The bit of an access that says to store.
pub(super) const WRITE_BIT: usize = WORD_BITS + ADDRESS_BITS;
/// The bit of an access that says that there is one.
pub(super) const SELECT_BIT: usize = WRITE_BIT + 1;

/// The ports of a block with memories: access and answer, where they are writable.
pub fn ports(is_writable: bool) -> (Vec<Wire<In>>, Vec<Wire<Out>>) {
    let count = usize::from(is_writable);
    ((0..count).map(|_| Wire::of(ACCESS_BITS)).collect(), (0..count).map(|_| Wire::of(WORD_BITS)).collect())
}

/// The weight window as a slave on a bus has it.
#[derive(Clone, Debug, LogicInterface)]
#[join = "WeightsMaster"]
pub struct WeightsSlave {
    /// Whether the bus is at a word of the weights.
    pub select: Wire<In, Bit>,
    /// Whether to store the data.
    pub write: Wire<In, Bit>,
    /// Number of the word.
    pub address: Wire<In>,
    /// What to store.
    pub data: Wire<In>,
    /// The word at the address of three cycles before.
    pub q: Wire<Out>,
}

/// The weight window as the master of a bus has it.
#[derive(Clone, Debug, LogicInterface)]
#[join = "WeightsSlave"]
pub struct WeightsMaster {
    /// Whether the bus is at a word of the weights.
    pub select: Wire<Out, Bit>,
    /// Whether to store the data.
    pub write: Wire<Out, Bit>,
    /// Number of the word.
    pub address: Wire<Out>,
    /// What to store.
    pub data: Wire<Out>,
    /// The word at the address of three cycles before.
    pub q: Wire<In>,
}

impl WeightsSlave {
    /// An idle port.
    #[allow(clippy::new_without_default, reason = "ports are made by `new`")]
    pub fn new() -> Self {
        WeightsSlave {
            select: Wire::default(),
            write: Wire::default(),
            address: Wire::of(ADDRESS_BITS),
            data: Wire::of(WORD_BITS),
            q: Wire::of(WORD_BITS),
        }
    }
}

impl WeightsMaster {
    /// An idle port.
    #[allow(clippy::new_without_default, reason = "ports are made by `new`")]
    pub fn new() -> Self {
        WeightsMaster {
            select: Wire::default(),
            write: Wire::default(),
            address: Wire::of(ADDRESS_BITS),
            data: Wire::of(WORD_BITS),
            q: Wire::of(WORD_BITS),
        }
    }
}

/// Passes accesses on and brings answers back.
#[derive(Clone, Debug, LogicBlock)]
pub struct WeightAccess {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// From the bus.
    pub weights: WeightsSlave,
    /// To the memories.
    pub access: Wire<Out>,
    /// From each unit with memories.
    pub answers: Vec<Wire<In>>,
    request: Register,
    answer: Register,
    answered: Wire<Local>,
    address_place: Parameter,
    write_place: Parameter,
    select_place: Parameter,
    _units: usize,
    _access: usize,
    _word: usize,
}

impl WeightAccess {
    /// The way to `units` units.
    pub fn new(units: usize) -> Self {
        WeightAccess {
            module_name: ModuleName::new("weight_access")
                .about("From the weight window of a bus to the memories of weights."),
            clock: Wire::default(),
            weights: WeightsSlave::new(),
            access: Wire::of(ACCESS_BITS),
            answers: (0..units).map(|_| Wire::of(WORD_BITS)).collect(),
            request: Register::new(ACCESS_BITS),
            answer: Register::new(WORD_BITS),
            answered: Wire::of(WORD_BITS),
            address_place: Parameter::number(WORD_BITS),
            write_place: Parameter::number(WRITE_BIT),
            select_place: Parameter::number(SELECT_BIT),
            _units: units,
            _access: ACCESS_BITS,
            _word: WORD_BITS,
        }
    }
}

impl Logic for WeightAccess {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, request, answer);
        self.request.d.next = bits_of(self.weights.data.val(), self._access)
            | (bits_of(self.weights.address.val(), self._access) << self.address_place.val())
            | (bits_of(self.weights.write.val(), self._access) << self.write_place.val())
            | (bits_of(self.weights.select.val(), self._access) << self.select_place.val());
        self.access.next = self.request.q.val();
        self.answered.next = bits_of(0u64, self._word);
        for i in 0..self._units {
            self.answered.next = self.answered.val() | self.answers[i].val();
        }
        self.answer.d.next = self.answered.val();
        self.weights.q.next = self.answer.q.val();
    }
}
