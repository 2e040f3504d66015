//! From a plan and its hardware to files and bitstreams.
//!
//! Each module uses only those before it: [`atomic`], files and folders that appear whole; [`regular`], files that somebody
//! else may have made; [`board`], the facts of boards;
//! [`commands`], what the open tools are called with; [`prefix`], what names begin with; [`device`] and [`soc`], what stands
//! around a core on a board and in a system; [`artifacts`], the directory of a design; [`build`], which runs the tools on it.

pub mod artifacts;
pub mod atomic;
pub mod board;
pub mod build;
pub mod commands;
pub mod device;
pub mod prefix;
pub mod regular;
pub mod soc;
