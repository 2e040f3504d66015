//! `load`: other weights into a compiled design, without a new bitstream.

use crate::output::{show, show_json};
use crate::preparation::Preparation;
use crate::trust::Trust;
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;
use verbs::VerbError;
use verbs::load::Options;

/// Load the weights of another network of the same shape into a compiled design.
///
/// DIR must have been compiled with `--writable-weights`. Afterwards DIR represents MODEL on every engine;
/// simulations load the weights into the compiled design. A board keeps the weights until it is reconfigured; `run DIR
/// --on uart:PATH` or `pcie:BDF` checks that it has those of DIR.
#[derive(Debug, Args)]
pub struct Load {
    /// A directory written by `compile --writable-weights`.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// A model file of a network of the same shape; without one, the network that DIR was compiled with.
    #[arg(value_name = "MODEL")]
    model: Option<PathBuf>,
    #[command(flatten)]
    preparation: Preparation,
    /// The device to write the weights to: uart:PATH[@BAUD] or pcie:BDF|FILE, or, as a test, sim:DIR or gates.
    #[arg(long, value_name = "DEVICE")]
    on: Option<String>,
    #[command(flatten)]
    trust: Trust,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Loaded<'a> {
    network: &'a str,
    /// Identity of the weights, 0 for those of `compile`.
    identity: u32,
    words: usize,
    device: Option<&'a str>,
}

impl Load {
    /// Runs the verb.
    pub fn run(self) -> Result<(), VerbError> {
        let engine = self.on.as_deref().map(str::parse).transpose()?;
        let options = Options {
            folder: self.folder,
            model: self.model,
            preparation: self.preparation.options(),
            engine,
            trust: self.trust.option(),
        };
        let verbs::load::Loaded { network, identity, words } = verbs::load::load(&options)?;
        let device = self.on.as_deref();
        if self.json {
            return show_json(&Loaded { network: &network, identity, words, device });
        }
        let on = device.map_or(String::new(), |on| format!("; written to {on} and verified"));
        show(&format!("{} now represents {network}: {words} words of weights{on}\n", options.folder.display()))
    }
}
