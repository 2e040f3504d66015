//! The hardware blocks: data under random back-pressure, exact cycles, agreement with Verilog.

mod converters;
mod leaves;
mod matrix_vector_unit;
mod queues;
mod stream;
#[path = "../support/mod.rs"]
mod support;
mod thresholds;
mod top;
