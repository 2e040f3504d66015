//! `Plan` → rust-hdl blocks → Verilog and files.
//!
//! The only crate of the project that imports rust-hdl.

#[cfg(feature = "core")]
pub mod artifacts;
#[cfg(not(feature = "core"))]
pub mod blocks;
#[cfg(feature = "core")]
pub mod core_blocks;
#[cfg(feature = "core")]
pub mod design;
pub mod emit;
pub mod wire;
