//! Whether files of a directory are executed, as an argument.

use clap::Args;

/// Whether files of a directory are executed.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Trust {
    /// Use the Verilog, scripts and netlist of DIR as they lie, edits included: they can run any program. Otherwise they
    /// are made anew from the plan, and edited ones refused.
    #[arg(long)]
    trust: bool,
}

impl Trust {
    /// The same as an option of a verb.
    pub fn option(self) -> flow::artifacts::Trust {
        if self.trust { flow::artifacts::Trust::Files } else { flow::artifacts::Trust::Plan }
    }
}
