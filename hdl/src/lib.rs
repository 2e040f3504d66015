//! (docs follow)
pub mod blocks;
pub mod wire;
