//! The Verilog emitter: texts, errors, agreement with simulation, acceptance by tools.

mod blocks;
mod errors;
mod foreign;
mod golden;
mod random;
mod speed;
#[path = "../support/mod.rs"]
mod support;
