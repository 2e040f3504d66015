//! `simulate`: a compiled design on images, compared with what its network computes.

use super::run::text;
use crate::output::{announce, json, show, show_json};
use crate::progress::Screen;
use crate::stop;
use crate::trust::Trust;
use abi::text::terminal;
use clap::Args;
use std::path::{Path, PathBuf};
use verbs::VerbError;
use verbs::run::Batch;
use verbs::serve::{self, Ready};
use verbs::simulate::{Equal, Options, Simulator};

/// Simulate a compiled design and compare every integer with the network's.
#[derive(Debug, Args)]
pub struct Simulate {
    /// A directory written by `compile`.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Images: .npy of uint8, int8 or float32, leading axis = images; values are not rescaled.
    #[arg(long, value_name = "X.npy", required_unless_present = "serve")]
    input: Option<PathBuf>,
    /// Classes of the images: .npy of integers.
    #[arg(long, value_name = "L.npy")]
    labels: Option<PathBuf>,
    /// Where to write the outputs: float32 scores, or int64 class indices.
    #[arg(long, value_name = "Y.npy")]
    output: Option<PathBuf>,
    /// Simulator: rtl, verilator, or gates (the netlist, after `build`).
    #[arg(long, value_name = "ENGINE", default_value = "rtl")]
    on: String,
    /// Simulate only the first N images.
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// Apply random back-pressure to input and output; the seed determines the pattern.
    #[arg(long, value_name = "SEED")]
    backpressure: Option<u64>,
    /// Write a waveform.
    #[arg(long, value_name = "F.vcd")]
    wave: Option<PathBuf>,
    /// Write each layer's integers to this directory.
    #[arg(long, value_name = "DIR")]
    trace: Option<PathBuf>,
    /// Instead of running images, serve the simulated board on a pseudo-terminal, for `run --on uart:PATH` in another
    /// process, and the simulated card in a file, for `run --on pcie:FILE`.
    #[arg(long, conflicts_with_all = ["input", "labels", "output", "count", "backpressure", "wave", "trace"])]
    serve: bool,
    /// With --serve: the file that emulates the card's memory; it must not exist and is removed at exit.
    #[arg(long, value_name = "FILE", requires = "serve")]
    bar: Option<PathBuf>,
    #[command(flatten)]
    trust: Trust,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl Simulate {
    /// Runs the verb.
    pub fn run(self) -> Result<(), VerbError> {
        let simulator: Simulator = self.on.parse()?;
        let Some(images) = self.input.filter(|_| !self.serve) else {
            let trust = self.trust.option();
            return answer(&serve::Options { folder: self.folder, simulator, bar: self.bar, trust }, self.json);
        };
        let options = Options {
            folder: self.folder,
            simulator,
            batch: Batch { images, labels: self.labels, output: self.output, count: self.count, trace: self.trace },
            back_pressure: self.backpressure,
            wave: self.wave,
            trust: self.trust.option(),
        };
        let simulated = verbs::simulate::simulate(&options, &Screen::default())?;
        if self.json {
            show_json(&simulated.report)?
        } else {
            show(&text(&simulated.report))?
        }
        let compared = match simulated.verdict? {
            Equal::OutputsAndLayers => "every output and every traced layer equals",
            Equal::Outputs => "every output equals",
        };
        if self.json { Ok(()) } else { show(&format!("{compared} the network's\n")) }
    }
}

/// Serves a board and a card until this program is stopped.
fn answer(options: &serve::Options, is_json: bool) -> Result<(), VerbError> {
    let prepared = serve::prepare(options, &Screen::default())?;
    let stop = stop::wanted_or_forced()?;
    let serving = prepared.open()?;
    let ready = serving.ready();
    let text = if is_json { json(&ready)? } else { terminal(&ready_text(&ready, &options.folder)) };
    // Else nobody would learn where they answer.
    if announce(&text)? { serving.run(&stop) } else { Ok(()) }
}

fn ready_text(ready: &Ready, folder: &Path) -> String {
    let folder = folder.display();
    let run = |engine: String| format!("run images on it with `xnorforge run {folder} --input X.npy --on {engine}`\n");
    let mut text = String::new();
    if let (Some(board), Some(port)) = (ready.board, ready.port) {
        text += &format!("a simulated {board} answers on {port} until this program is stopped\n");
        text += &run(format!("uart:{port}"));
    }
    if let Some(bar) = ready.bar.map(Path::display) {
        text += &format!("a simulated card is served in {bar} until this program is stopped\n");
        text += &run(format!("pcie:{bar}"));
    }
    text
}
