//! `Plan` → rust-hdl blocks → Verilog.
//!
//! The only crate of the project that imports rust-hdl.

pub mod blocks;
pub mod design;
pub mod emit;
pub mod rust_hdl;
pub mod shell;
pub mod wire;
