//! What the command line does, as functions: options in, results and errors out.
//!
//! Each verb is a function in a module of its name. Nothing is printed here: what a verb reports while it works goes to an
//! [`Observer`] or a callback. An error says by [`VerbError::status`] whose turn it is.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod bench;
pub mod boards;
pub mod build;
pub mod calibration;
pub mod compile;
pub mod devices;
pub mod engine;
pub mod engine_error;
mod error;
pub mod explain;
mod file;
pub mod flash;
pub mod images;
pub mod info;
pub mod load;
pub mod measure;
pub mod model;
mod npy;
mod observer;
pub mod preparation;
pub mod quantize;
pub mod refusals;
pub mod run;
pub mod serve;
pub mod simulate;

pub use error::{Status, VerbError};
pub use file::FileError;
pub use observer::{Nobody, Observer, OutsideDomain};
pub use sim::Progress;
