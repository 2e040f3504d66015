//! The ways from a serial line and from buses to the words of a device: each block, and the whole of it against a naive
//! device.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod axi;
mod bridge;
mod device;
mod frames;
mod line;
mod requests;
mod slave;
#[path = "../support/mod.rs"]
mod support;
mod uart;
mod windows;
mod wishbone;
