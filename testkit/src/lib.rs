//! What the tests of several crates share: networks, graphs and model files to try things on, lines with faults, and what a
//! test run is allowed to leave out.
//!
//! Crates name it as a dev-dependency. It imports `abi`, `network`, `compiler` and `host`; integration tests of these link
//! the same library as it does. Unit tests inside `src` do not, and must not pass it their own types.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

pub mod campaign;
pub mod cards;
pub mod errors;
pub mod files;
pub mod folding;
pub mod large_graphs;
pub mod models;
pub mod networks;
pub mod random_graphs;
pub mod random_layers;
pub mod random_networks;
pub mod scale;
pub mod streams;
pub mod tflite;
pub mod tools;

pub use errors::rendered;
pub use scale::count;
pub use tools::tool;
