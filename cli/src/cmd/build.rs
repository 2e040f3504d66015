//! `build`: the bitstream of a compiled directory, with open tools.

use crate::output::{note, show, show_json};
use crate::progress::Screen;
use crate::stop;
use crate::trust::Trust;
use abi::text::terminal;
use clap::Args;
use flow::build::{Event, Tools};
use flow::commands::DEFAULT_SEEDS;
use std::path::PathBuf;
use verbs::VerbError;
use verbs::build::Options;

/// Build the bitstream of a directory that was compiled for a board.
///
/// Runs yosys, nextpnr and the family's packer. They are taken from $XNORFORGE_TOOLS (a Python environment, by default
/// ~/.local/share/xnorforge/tools) or from the PATH. For Xilinx FPGAs only yosys runs, and reports
/// the resources: no open place and route is packaged for them.
#[derive(Debug, Args)]
pub struct Build {
    /// A directory written by `compile --board B`.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Placement seeds to try at most. The first that meets timing is kept; after one that misses by far, no other is tried.
    #[arg(long, value_name = "N", default_value_t = DEFAULT_SEEDS, value_parser = clap::value_parser!(u32).range(1..=1000))]
    seeds: u32,
    #[command(flatten)]
    trust: Trust,
    /// Print the report as one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl Build {
    /// Runs the verb.
    pub fn run(self) -> Result<(), VerbError> {
        let seeds = self.seeds;
        let trust = self.trust.option();
        let options = Options { folder: self.folder, seeds, tools: Tools::from_environment(), trust };
        let stop = stop::wanted()?;
        let built = verbs::build::build(&options, &stop, &Screen::default(), |event| match event {
            Event::Begins { stage, seed, tool } => {
                let version = tool.version.as_deref().unwrap_or("version unknown");
                let again = seed > 1 && stage == "place_and_route";
                let seed = if again { format!(", placement {seed} of at most {seeds}") } else { String::new() };
                note(&terminal(&format!("{stage:<16} {} ({version}){seed}\n", tool.program.display())));
            }
            Event::Ends { stage, elapsed } => {
                note(&format!("{stage:<16} done in {:.1} s\n", elapsed.as_secs_f64()));
            }
        })?;
        if self.json {
            return show_json(&built.report);
        }
        let report = &built.report;
        match built.bitstream {
            Some(path) => show(&format!("{report}written to {}\n", path.display())),
            None => show(&format!(
                "{report}no bitstream: no open place and route is packaged for this board's FPGA; the netlist is {}\n",
                options.folder.join("build/netlist.json").display()
            )),
        }
    }
}
