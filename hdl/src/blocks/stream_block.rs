//! What every block between streams has: the pipeline and the tests drive all of them through it.

use super::rom::Rom;
use crate::rust_hdl::prelude::*;
use crate::wire::{Clocked, StreamIn, StreamOut, Wire};
use smallvec::SmallVec;

/// Field names of the streams that a block reads, by port number.
pub const INPUTS: [&str; 2] = ["in_", "second_in"];
/// Field names of the streams that a block writes, by port number.
pub const OUTPUTS: [&str; 2] = ["out", "second_out"];

/// The ports of a block between streams.
#[derive(Debug)]
pub struct StreamPorts<'a> {
    /// The clock.
    pub clock: &'a mut Wire<In, Clock>,
    /// Synchronous reset.
    pub reset: &'a mut Wire<In, Bit>,
    /// The streams read, named as in [`INPUTS`].
    pub inputs: SmallVec<[&'a mut StreamIn; 2]>,
    /// The streams written, named as in [`OUTPUTS`].
    pub outputs: SmallVec<[&'a mut StreamOut; 2]>,
}

impl<'a> StreamPorts<'a> {
    /// The ports of a block with the given wires and streams.
    pub fn new<const INPUTS: usize, const OUTPUTS: usize>(
        clock: &'a mut Wire<In, Clock>,
        reset: &'a mut Wire<In, Bit>,
        inputs: [&'a mut StreamIn; INPUTS],
        outputs: [&'a mut StreamOut; OUTPUTS],
    ) -> Self {
        StreamPorts { clock, reset, inputs: inputs.into_iter().collect(), outputs: outputs.into_iter().collect() }
    }
}

/// A block that reads and writes streams.
pub trait StreamBlock: Block + std::fmt::Debug + Send + Sync {
    /// Clock, reset and streams.
    fn ports(&mut self) -> StreamPorts<'_>;

    /// The memories of parameters.
    fn memories(&self) -> Vec<&Rom> {
        Vec::new()
    }

    /// As [`memories`](Self::memories), to be changed.
    fn memories_mut(&mut self) -> Vec<&mut Rom> {
        Vec::new()
    }

    /// The ports that lead to writable memories; `None` where there are none.
    fn weights(&mut self) -> Option<(&mut Wire<In>, &Wire<Out>)> {
        None
    }

    /// Names and texts of the memory files.
    fn files(&self) -> Vec<(String, String)> {
        self.memories().into_iter().flat_map(Rom::files).collect()
    }

    /// Whether there are writable memories.
    fn is_writable(&self) -> bool {
        self.memories().iter().any(|memory| memory.window_words().is_some())
    }
}

impl<B: StreamBlock> Clocked for B {
    fn clock(&mut self) -> &mut Wire<In, Clock> {
        self.ports().clock
    }
}
