//! The hardware blocks: leaves with Verilog of their own, and kernels built from them.
//!
//! Streams are the fields `in_`, `second_in`, `out` and `second_out`, in Verilog `in_data`, `in_valid`, `in_ready` and so
//! on; a block with streams is a [`StreamBlock`](stream_block::StreamBlock). The handshake is valid/ready: a word is
//! transferred at a clock edge at which both are high; data are stable while valid is high and ready low; valid never
//! depends combinationally on the ready of the same port. The ready of an input may depend combinationally on the ready of
//! the output (width converter, arg-max): the path goes through consecutive blocks of that kind and ends at the registered
//! ready of a matrix-vector unit. [`abi`] defines the order of bits.
//!
//! Leaves: [`register`], [`rom`], [`ram`], [`constant_table`], [`lane_sum`]. Everything else is a kernel.

pub mod add_unit;
pub mod arg_max;
pub mod concat;
pub mod constant_table;
pub mod delay_line;
pub mod depthwise_unit;
pub mod fork;
pub mod lane_sum;
pub mod matrix_vector_unit;
pub mod multi_threshold;
pub mod multiply_unit;
pub mod one_result;
pub mod padded_lanes;
pub mod pool_unit;
pub mod ram;
pub mod register;
pub mod rom;
pub mod row_results;
pub mod scale_unit;
pub mod sliding_window;
pub mod stream_block;
pub mod stream_fifo;
pub mod table_unit;
pub mod threshold_row;
pub mod upsample;
pub mod vector_feed;
pub mod weighed_lanes;
pub mod weight_access;
pub mod width_converter;

use crate::wire::ModuleName;
use compiler::chip::memory::MemoryKind;

/// What modules are called that a plan makes of one kind of memory; `None` where synthesis makes what it likes.
fn made_of(kind: Option<MemoryKind>) -> Option<&'static str> {
    match kind {
        Some(MemoryKind::Lut) => Some("luts"),
        Some(MemoryKind::Registers) => Some("registers"),
        Some(MemoryKind::Block) => Some("block"),
        Some(MemoryKind::Constant | MemoryKind::Any) | None => None,
    }
}

/// The name of a module, with what its memory is made of as a suffix.
fn named_after(name: ModuleName, kind: Option<MemoryKind>) -> ModuleName {
    match made_of(kind) {
        Some(made_of) => name.with_suffix(made_of),
        None => name,
    }
}

/// Bits of an address into `depth` places, at least 1.
pub fn address_bits(depth: usize) -> usize {
    bits_for(depth.saturating_sub(1))
}

/// Bits that hold every number up to `greatest`, at least 1.
pub fn bits_for(greatest: usize) -> usize {
    compiler::chip::number::bits_for(greatest as u64)
}
