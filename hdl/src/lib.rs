//! `Plan` → rust-hdl blocks → Verilog and files.
//!
//! The only crate of the project that imports rust-hdl.

pub mod artifacts;
pub mod blocks;
pub mod board;
pub mod build;
pub mod design;
pub mod emit;
pub mod page;
pub mod shell;
pub mod soc;
pub mod wire;
