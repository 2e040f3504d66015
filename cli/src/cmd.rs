//! The verbs, one file each.

pub mod boards;
pub mod build;
pub mod compile;
pub mod flash;
pub mod info;
pub mod run;
pub mod simulate;
