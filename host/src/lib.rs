//! Finds, checks and drives a device through a transport.
//!
//! Knows the `abi` crate only: no network, no compiler, no hardware description.

pub mod transport;
