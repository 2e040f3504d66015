//! The verbs, one file each.

pub mod bench;
pub mod boards;
pub mod build;
pub mod compile;
pub mod devices;
pub mod flash;
pub mod info;
pub mod load;
pub mod quantize;
pub mod run;
pub mod simulate;
