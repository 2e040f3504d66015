//! The blocks that stages become, and their ports by number.

use crate::blocks::add_unit::AddUnit;
use crate::blocks::arg_max::ArgMax;
use crate::blocks::concat::Concat;
use crate::blocks::depthwise_unit::DepthwiseUnit;
use crate::blocks::fork::Fork;
use crate::blocks::matrix_vector_unit::MatrixVectorUnit;
use crate::blocks::multi_threshold::MultiThreshold;
use crate::blocks::multiply_unit::MultiplyUnit;
use crate::blocks::pool_unit::PoolUnit;
use crate::blocks::rom::Rom;
use crate::blocks::scale_unit::ScaleUnit;
use crate::blocks::sliding_window::SlidingWindow;
use crate::blocks::stream_fifo::StreamFifo;
use crate::blocks::table_unit::TableUnit;
use crate::blocks::upsample::Upsample;
use crate::blocks::width_converter::WidthConverter;
use crate::wire::{Wire, Word};
use rust_hdl::core::prelude::{Block, Clock, In, Logic, Out, Probe};

/// What the names of a block's wires begin with, for each stream in.
pub const INPUTS: [&str; 2] = ["in", "second"];
/// As [`INPUTS`], for each stream out.
pub const OUTPUTS: [&str; 2] = ["out", "second"];

/// A word that is offered, or not.
pub type Offer = (Word, bool);

/// Makes the enumeration of blocks, each with the number of its streams in and out.
macro_rules! units {
    ($($(#[$doc:meta])* $name:ident: $shape:ident),+ $(,)?) => {
        /// The block of one stage.
        #[derive(Debug)]
        pub enum Unit {
            $($(#[$doc])* $name(Box<$name>),)+
        }

        impl Unit {
            /// The block, whatever its type.
            pub fn block(&self) -> &dyn Block {
                match self {
                    $(Unit::$name(block) => &**block,)+
                }
            }

            /// As [`block`](Self::block), to be changed.
            pub fn block_mut(&mut self) -> &mut dyn Block {
                match self {
                    $(Unit::$name(block) => &mut **block,)+
                }
            }

            /// Hands on clock and reset.
            pub fn clock(&mut self, clock: Clock, reset: bool) {
                match self {
                    $(Unit::$name(block) => {
                        block.clock.next = clock;
                        block.reset.next = reset;
                    })+
                }
            }

            /// Connects the wires that the core drives.
            pub fn connect_inputs(&mut self) {
                match self {
                    $(Unit::$name(block) => {
                        block.clock.connect();
                        block.reset.connect();
                        ports!($shape, connect, block);
                    })+
                }
            }

            /// Offers a word at a stream in.
            pub fn offer(&mut self, port: usize, (data, valid): Offer) {
                match self {
                    $(Unit::$name(block) => ports!($shape, offer, block, port, data, valid),)+
                }
            }

            /// Whether a stream in takes a word.
            pub fn is_ready(&self, port: usize) -> bool {
                match self {
                    $(Unit::$name(block) => ports!($shape, is_ready, block, port),)+
                }
            }

            /// The word offered at a stream out.
            pub fn offered(&self, port: usize) -> Offer {
                match self {
                    $(Unit::$name(block) => ports!($shape, offered, block, port),)+
                }
            }

            /// Tells a stream out whether its word is taken.
            pub fn take(&mut self, port: usize, ready: bool) {
                match self {
                    $(Unit::$name(block) => ports!($shape, take, block, port, ready),)+
                }
            }
        }
    };
}

/// What one port does, for blocks with one stream on a side and for those with a second one.
macro_rules! ports {
    (chain, connect, $b:ident) => {{
        $b.in_data.connect();
        $b.in_valid.connect();
        $b.out_ready.connect();
    }};
    (join, connect, $b:ident) => {{
        ports!(chain, connect, $b);
        $b.second_data.connect();
        $b.second_valid.connect();
    }};
    (fork, connect, $b:ident) => {{
        ports!(chain, connect, $b);
        $b.second_ready.connect();
    }};
    (join, offer, $b:ident, $port:ident, $data:ident, $valid:ident) => {
        if $port == 1 {
            $b.second_data.next = $data;
            $b.second_valid.next = $valid;
        } else {
            ports!(chain, offer, $b, $port, $data, $valid)
        }
    };
    ($shape:ident, offer, $b:ident, $port:ident, $data:ident, $valid:ident) => {{
        let _ = $port;
        $b.in_data.next = $data;
        $b.in_valid.next = $valid;
    }};
    (join, is_ready, $b:ident, $port:ident) => {
        if $port == 1 { $b.second_ready.val() } else { $b.in_ready.val() }
    };
    ($shape:ident, is_ready, $b:ident, $port:ident) => {{
        let _ = $port;
        $b.in_ready.val()
    }};
    (fork, offered, $b:ident, $port:ident) => {
        if $port == 1 { ($b.second_data.val(), $b.second_valid.val()) } else { ports!(chain, offered, $b, $port) }
    };
    ($shape:ident, offered, $b:ident, $port:ident) => {{
        let _ = $port;
        ($b.out_data.val(), $b.out_valid.val())
    }};
    (fork, take, $b:ident, $port:ident, $ready:ident) => {
        if $port == 1 {
            $b.second_ready.next = $ready;
        } else {
            $b.out_ready.next = $ready;
        }
    };
    ($shape:ident, take, $b:ident, $port:ident, $ready:ident) => {{
        let _ = $port;
        $b.out_ready.next = $ready;
    }};
}

units! {
    /// See [`crate::blocks::width_converter`].
    WidthConverter: chain,
    /// See [`crate::blocks::matrix_vector_unit`].
    MatrixVectorUnit: chain,
    /// See [`crate::blocks::depthwise_unit`].
    DepthwiseUnit: chain,
    /// See [`crate::blocks::multi_threshold`].
    MultiThreshold: chain,
    /// See [`crate::blocks::sliding_window`].
    SlidingWindow: chain,
    /// See [`crate::blocks::stream_fifo`].
    StreamFifo: chain,
    /// See [`crate::blocks::pool_unit`].
    PoolUnit: chain,
    /// See [`crate::blocks::scale_unit`].
    ScaleUnit: chain,
    /// See [`crate::blocks::upsample`].
    Upsample: chain,
    /// See [`crate::blocks::arg_max`].
    ArgMax: chain,
    /// See [`crate::blocks::add_unit`].
    AddUnit: join,
    /// See [`crate::blocks::multiply_unit`].
    MultiplyUnit: join,
    /// See [`crate::blocks::table_unit`].
    TableUnit: join,
    /// See [`crate::blocks::concat`].
    Concat: join,
    /// See [`crate::blocks::fork`].
    Fork: fork,
}

impl Unit {
    /// The block's memories of parameters.
    pub fn memories(&self) -> Vec<&Rom> {
        match self {
            Unit::MatrixVectorUnit(unit) => unit.memories().into(),
            Unit::DepthwiseUnit(unit) => unit.memories().into(),
            Unit::MultiThreshold(unit) => vec![unit.memory()],
            Unit::WidthConverter(_)
            | Unit::SlidingWindow(_)
            | Unit::StreamFifo(_)
            | Unit::PoolUnit(_)
            | Unit::ScaleUnit(_)
            | Unit::Upsample(_)
            | Unit::ArgMax(_)
            | Unit::AddUnit(_)
            | Unit::MultiplyUnit(_)
            | Unit::TableUnit(_)
            | Unit::Concat(_)
            | Unit::Fork(_) => Vec::new(),
        }
    }

    /// As [`memories`](Self::memories), to be changed.
    pub fn memories_mut(&mut self) -> Vec<&mut Rom> {
        match self {
            Unit::MatrixVectorUnit(unit) => unit.memories_mut().into(),
            Unit::DepthwiseUnit(unit) => unit.memories_mut().into(),
            Unit::MultiThreshold(unit) => vec![unit.memory_mut()],
            Unit::WidthConverter(_)
            | Unit::SlidingWindow(_)
            | Unit::StreamFifo(_)
            | Unit::PoolUnit(_)
            | Unit::ScaleUnit(_)
            | Unit::Upsample(_)
            | Unit::ArgMax(_)
            | Unit::AddUnit(_)
            | Unit::MultiplyUnit(_)
            | Unit::TableUnit(_)
            | Unit::Concat(_)
            | Unit::Fork(_) => Vec::new(),
        }
    }

    /// Whether there are writable memories.
    pub fn is_writable(&self) -> bool {
        self.memories().iter().any(|memory| memory.window_words().is_some())
    }

    /// The ports that lead to writable memories; `None` where there are none.
    pub fn weights(&mut self) -> Option<(&mut Wire<In>, &Wire<Out>)> {
        let (access, answer) = match self {
            Unit::MatrixVectorUnit(unit) => (&mut unit.access, &unit.answer),
            Unit::DepthwiseUnit(unit) => (&mut unit.access, &unit.answer),
            Unit::MultiThreshold(unit) => (&mut unit.access, &unit.answer),
            Unit::WidthConverter(_)
            | Unit::SlidingWindow(_)
            | Unit::StreamFifo(_)
            | Unit::PoolUnit(_)
            | Unit::ScaleUnit(_)
            | Unit::Upsample(_)
            | Unit::ArgMax(_)
            | Unit::AddUnit(_)
            | Unit::MultiplyUnit(_)
            | Unit::TableUnit(_)
            | Unit::Concat(_)
            | Unit::Fork(_) => return None,
        };
        access.first_mut().zip(answer.first())
    }

    /// Shows the block to a probe.
    pub fn accept(&self, name: &str, probe: &mut dyn Probe) {
        self.block().accept(name, probe);
    }
}
