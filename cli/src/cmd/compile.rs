//! `compile`: a model becomes a directory with everything that later verbs need.

use crate::output::{show, show_json};
use crate::preparation::Preparation;
use abi::manifest::Checked;
use clap::Args;
use std::path::PathBuf;
use verbs::VerbError;
use verbs::compile::{Options, Rate, images_checked};

/// Compile a model into a directory: Verilog, memories, testbench, plan, manifest, report.
#[derive(Debug, Args)]
pub struct Compile {
    /// A QONNX or TensorFlow Lite file.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The directory to write; an earlier output of `compile` is replaced.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// The board to compile for, see `xnorforge boards`; without one, only the core is written.
    #[arg(long, value_name = "B")]
    board: Option<String>,
    /// Images per second to plan for [default: 1000].
    #[arg(long, value_name = "N", allow_negative_numbers = true, conflicts_with = "folding")]
    target_fps: Option<f64>,
    /// Maximise images per second within the resources of the board.
    #[arg(long, conflicts_with_all = ["target_fps", "folding"])]
    max: bool,
    /// Parallelism of each layer: {"<layer>": {"pe": 4, "simd": 8}, …}.
    #[arg(long, value_name = "F.json")]
    folding: Option<PathBuf>,
    /// Clock in MHz [default: the board's, or 100]; rounded to a frequency of the board's PLL within 1 %.
    #[arg(long, value_name = "MHZ", allow_negative_numbers = true)]
    clock: Option<f64>,
    /// Make weights and thresholds writable at run time, see `xnorforge load`.
    #[arg(long)]
    writable_weights: bool,
    /// What the names of Verilog modules and files begin with, so that several designs can be part of one system
    /// [default: xnorforge].
    #[arg(long, value_name = "NAME")]
    prefix: Option<String>,
    #[command(flatten)]
    preparation: Preparation,
    /// Print the report as one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

impl Compile {
    /// Runs the verb.
    pub fn run(self) -> Result<(), VerbError> {
        let rate = match (self.max, self.target_fps, self.folding) {
            (true, _, _) => Rate::Fastest,
            (false, _, Some(path)) => Rate::Folding(path),
            (false, Some(rate), None) => Rate::FramesPerSecond(rate),
            (false, None, None) => Rate::default(),
        };
        let options = Options {
            model: self.model,
            output: self.output,
            board: self.board,
            rate,
            clock: self.clock,
            writable_weights: self.writable_weights,
            prefix: self.prefix,
            preparation: self.preparation.options(),
        };
        let compiled = verbs::compile::compile(&options)?;
        let report = compiled.report();
        if self.json {
            return show_json(&report);
        }
        let checked = match (compiled.manifest.checked, images_checked(&compiled)) {
            (Checked::Images, Some(1)) => "every tensor of a random image".to_owned(),
            (Checked::Images, Some(count)) => format!("every tensor of {count} random images"),
            (checked, _) => checked.to_string(),
        };
        show(&format!("{report}checked against the network: {checked}\nwritten to {}\n", options.output.display()))
    }
}
