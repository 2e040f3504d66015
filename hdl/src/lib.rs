//! (docs follow)
pub mod blocks;
pub mod emit;
pub mod wire;
