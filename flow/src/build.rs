//! From a compiled directory to a bitstream, and from there into a board: the [`commands`](crate::commands) as a program runs
//! them, in a folder of their own, which becomes the folder `build` of the directory.

mod cells;
mod error;
mod flash;
mod run;
mod stage;
mod timing;
mod tools;

pub use cells::cells;
pub use error::BuildError;
pub use flash::Flash;
pub use run::{Build, Built};
pub use stage::Event;
pub use tools::{Installed, Tools};
