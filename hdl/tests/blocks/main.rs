//! The hardware blocks: data under random back-pressure, exact cycles, agreement with Verilog.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod control;
mod converters;
mod depthwise_unit;
mod dot;
mod joins;
mod leaves;
mod matrix_vector_unit;
mod memories;
mod pools;
mod queues;
mod sliding_window;
mod stream;
#[path = "../support/mod.rs"]
mod support;
mod thresholds;
mod weight_forms;
