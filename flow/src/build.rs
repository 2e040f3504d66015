//! From a compiled directory to a bitstream, and from there into a board: the [`commands`](crate::commands) as a program runs
//! them, in the folder `build` of the directory.

mod error;
mod flash;
mod lock;
mod run;
mod timing;
mod tools;

pub use error::BuildError;
pub use flash::Flash;
pub use run::{Build, Built, Event};
pub use tools::{Installed, Tools};
