//! What the chips are made of: families, memories and their prices, and what a stage's cost is a sum of.

pub mod family;
pub mod features;
pub mod memory;
pub mod number;
