//! Leaves: memories with a registered output, written so that yosys finds block or LUT memory.
//!
//! An address applied before a rising edge shows its row in `q` after the edge: one clock latency.

mod ram;
mod rom;

pub use ram::Ram;
pub use rom::Rom;

use miette::Diagnostic;
use thiserror::Error;

/// A memory cannot be made from what was given.
#[derive(Debug, Error, Diagnostic)]
pub enum MemoryError {
    /// No rows.
    #[error("memory `{name}` has no rows")]
    #[diagnostic(code(hdl::memory::empty), help("give at least one row; a layer of zero outputs has no hardware"))]
    Empty {
        /// The module name.
        name: String,
    },
    /// Rows of different or unusable width.
    #[error("memory `{name}`: row {row} has {found} bits, {expected} expected")]
    #[diagnostic(
        code(hdl::memory::row_width),
        help("all rows of a memory have one width, a multiple of its {fields} output fields and not zero")
    )]
    RowWidth {
        /// The module name.
        name: String,
        /// The first bad row.
        row: usize,
        /// Its width.
        found: usize,
        /// The width of the rows before it, rounded up to a multiple of the fields.
        expected: usize,
        /// Output fields per row.
        fields: usize,
    },
}

/// Bits of an address that reaches `depth` rows; at least one.
pub(crate) fn address_width(depth: usize) -> usize {
    crate::blocks::bits_for(depth.saturating_sub(1) as u64)
}
