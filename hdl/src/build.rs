//! From a compiled directory to a bitstream, with open tools: yosys, nextpnr and the family's packer.
//!
//! [`stages`] is the one list of commands; [`Build`] runs them, and [`script`] writes them down as `board/build.sh` for
//! people without this program. All of them work in the folder `build` of the directory.

mod error;
mod flash;
mod lock;
mod run;
mod script;
mod stages;
mod timing;
mod tools;

pub use error::BuildError;
pub use flash::Flash;
pub use run::{Build, Built, Event};
pub use script::{DEFAULT_SEEDS, REQUIREMENTS, script, synthesis_script};
pub use stages::{Implementation, Stage, Stages, Tool, stages};
pub use tools::{Installed, Tools};
