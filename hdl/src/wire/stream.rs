//! Streams: words with a valid/ready handshake, as one port.

#![allow(missing_docs, reason = "`LogicInterface` writes a `join` without documentation")]

use super::Wire;
use crate::rust_hdl::prelude::*;

/// The end of a stream where a block reads.
#[derive(Clone, Debug, LogicInterface)]
#[join = "StreamOut"]
pub struct StreamIn {
    /// The word.
    pub data: Wire<In>,
    /// Whether there is one.
    pub valid: Wire<In, Bit>,
    /// Whether the block takes it.
    pub ready: Wire<Out, Bit>,
}

impl StreamIn {
    /// A stream of words of `bits` bits.
    pub fn of(bits: usize) -> Self {
        StreamIn { data: Wire::of(bits), valid: Wire::default(), ready: Wire::default() }
    }
}

/// The end of a stream where a block writes.
#[derive(Clone, Debug, LogicInterface)]
#[join = "StreamIn"]
pub struct StreamOut {
    /// The word.
    pub data: Wire<Out>,
    /// Whether there is one.
    pub valid: Wire<Out, Bit>,
    /// Whether the reader takes it.
    pub ready: Wire<In, Bit>,
}

impl StreamOut {
    /// A stream of words of `bits` bits.
    pub fn of(bits: usize) -> Self {
        StreamOut { data: Wire::of(bits), valid: Wire::default(), ready: Wire::default() }
    }
}
