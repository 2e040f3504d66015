//! From Verilog to a bitstream, with open tools: yosys, nextpnr and the family's packer.
//!
//! [`stages`] is the one list of commands. [`script`] writes them down as `board/build.sh` for people without this program.
//! All of them work in the folder `build` of a compiled directory.

mod script;
mod stages;

pub use script::{DEFAULT_SEEDS, REQUIREMENTS, script, synthesis_script};
pub use stages::{Implementation, Stage, Stages, Tool, stages};
