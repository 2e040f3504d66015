//! The hardware blocks: data under random back-pressure, exact cycles, agreement with Verilog.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod converters;
mod device;
mod leaves;
mod matrix_vector_unit;
mod queues;
mod stream;
#[path = "../support/mod.rs"]
mod support;
mod thresholds;
mod top;
