//! What the generated hardware and the host share: element types and their bit codes, the packing of tensors
//! into stream words, the maps at a network's float ends, and the manifest that carries them.
//!
//! Data and pure functions only. This crate imports no other crate of the project, so that a host program
//! needs nothing else to drive a device.
//!
//! # The bit convention
//!
//! Defined here, named everywhere else:
//!
//! * −1 is bit 0 and +1 is bit 1 ([`ElementType::Bipolar`]);
//! * lane 0 of a word occupies its lowest bits, lane `i` of `k`-bit codes the bits `i·k .. (i+1)·k`;
//! * streams are pixel-major with channels innermost: all channels of the first pixel, then of the next;
//! * the unused lanes of a vector's last word are zero bits.

pub mod domain;
pub mod element_type;
pub mod error_free;
pub mod fixed_point;
pub mod frame;
pub mod manifest;
pub mod maps;
pub mod packing;
pub mod registers;
pub mod ring;
pub mod step_function;
pub mod text;
pub mod uart;
pub mod weights;
pub mod window;

pub use element_type::ElementType;
pub use maps::{InputMap, OutputMap};
pub use step_function::StepFunction;
