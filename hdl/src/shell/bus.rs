//! The bus inside a device: one master, words at addresses.
//!
//! `address` is in bytes and held until the access is over. `read_data`, `readable` and `writable` may come up to four
//! cycles after `address` changed. In the one cycle with `write` high, `write_data` is stored.

#![allow(missing_docs, reason = "`LogicInterface` writes a `join` without documentation")]

use crate::rust_hdl::prelude::*;
use crate::wire::Wire;
use abi::window::WORD_BITS;

/// Bits of an address.
const ADDRESS_BITS: usize = 32;

/// The bus as its master has it.
#[derive(Clone, Debug, LogicInterface)]
#[join = "BusSlave"]
pub struct BusMaster {
    /// Byte address of the access.
    pub address: Wire<Out>,
    /// Whether to store.
    pub write: Wire<Out, Bit>,
    /// What to store.
    pub write_data: Wire<Out>,
    /// The word at the address.
    pub read_data: Wire<In>,
    /// Whether there is a word to read.
    pub readable: Wire<In, Bit>,
    /// Whether there is a word to write.
    pub writable: Wire<In, Bit>,
}

/// The bus as a slave has it.
#[derive(Clone, Debug, LogicInterface)]
#[join = "BusMaster"]
pub struct BusSlave {
    /// Byte address of the access.
    pub address: Wire<In>,
    /// Whether to store.
    pub write: Wire<In, Bit>,
    /// What to store.
    pub write_data: Wire<In>,
    /// The word at the address.
    pub read_data: Wire<Out>,
    /// Whether there is a word to read.
    pub readable: Wire<Out, Bit>,
    /// Whether there is a word to write.
    pub writable: Wire<Out, Bit>,
}

impl BusMaster {
    /// An idle port.
    #[allow(clippy::new_without_default, reason = "ports are made by `new`")]
    pub fn new() -> Self {
        BusMaster {
            address: Wire::of(ADDRESS_BITS),
            write: Wire::default(),
            write_data: Wire::of(WORD_BITS),
            read_data: Wire::of(WORD_BITS),
            readable: Wire::default(),
            writable: Wire::default(),
        }
    }
}

impl BusSlave {
    /// An idle port.
    #[allow(clippy::new_without_default, reason = "ports are made by `new`")]
    pub fn new() -> Self {
        BusSlave {
            address: Wire::of(ADDRESS_BITS),
            write: Wire::default(),
            write_data: Wire::of(WORD_BITS),
            read_data: Wire::of(WORD_BITS),
            readable: Wire::default(),
            writable: Wire::default(),
        }
    }
}
