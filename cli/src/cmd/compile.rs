//! `compile`: a model becomes a directory with everything that later verbs need.

use crate::calibration::Calibration;
use crate::engine::{DEFAULT_CLOCK_MHZ, DEFAULT_TARGET_FPS};
use crate::failure::Failure;
use crate::model::Model;
use crate::output::show;
use anyhow::Context;
use clap::Args;
use compiler::fold::{Goal, Parallelism, Target, plan_for};
use compiler::replace::replaceable;
use flow::artifacts;
use flow::board::Board;
use miette::Diagnostic;
use std::collections::BTreeMap;
use std::path::PathBuf;
use thiserror::Error;

/// Compile a model into a directory: Verilog, memories, testbench, plan, manifest, report.
#[derive(Debug, Args)]
pub struct Compile {
    /// A QONNX file.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The directory to write; one that `compile` wrote before is replaced.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// The board to compile for, see `xnorforge boards`; without one, only the core is written.
    #[arg(long, value_name = "B")]
    board: Option<String>,
    /// Images per second to plan for [default: 1000].
    #[arg(long, value_name = "N", allow_negative_numbers = true, conflicts_with = "folding")]
    target_fps: Option<f64>,
    /// Plan for the most images per second that the board has room for.
    #[arg(long, conflicts_with_all = ["target_fps", "folding"])]
    max: bool,
    /// Parallelism of each layer: {"<layer>": {"pe": 4, "simd": 8}, …}.
    #[arg(long, value_name = "F.json")]
    folding: Option<PathBuf>,
    /// Clock in MHz [default: that of the board's designs, or 100]. With a board the nearest one that its PLL makes
    /// within 1 %.
    #[arg(long, value_name = "MHZ", allow_negative_numbers = true)]
    clock: Option<f64>,
    /// Let other weights and thresholds be loaded into the running design, see `xnorforge load`.
    #[arg(long)]
    writable_weights: bool,
    #[command(flatten)]
    calibration: Calibration,
    /// Print the report as one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// A folding file that is none.
#[derive(Debug, Error, Diagnostic)]
#[error("{} must be JSON with `pe` and `simd` of each layer: {reason}", path.display())]
#[diagnostic(
    code(xnorforge::folding_file),
    help("write it as {{\"<layer>\": {{\"pe\": 4, \"simd\": 8}}, …}}; `xnorforge info MODEL` names the layers")
)]
pub struct FoldingFile {
    /// The file.
    path: PathBuf,
    /// Why.
    reason: String,
}

/// A search for the largest design without a limit.
#[derive(Debug, Error, Diagnostic)]
#[error("`--max` must be given with a board, whose room it fills, but there is no `--board`")]
#[diagnostic(
    code(xnorforge::max_without_board),
    help("add `--board B` (`xnorforge boards` lists them), or plan for a rate with `--target-fps N`")
)]
pub struct MaxWithoutBoard;

impl Compile {
    /// Runs the verb.
    pub fn run(self) -> Result<(), Failure> {
        if self.max && self.board.is_none() {
            return Err(MaxWithoutBoard.into());
        }
        let model = Model::open(&self.model, &self.calibration)?;
        let goal = match &self.folding {
            None if self.max => Goal::Fastest,
            None => Goal::FramesPerSecond(self.target_fps.unwrap_or(DEFAULT_TARGET_FPS)),
            Some(path) => {
                let context = || format!("cannot read the folding file {}", path.display());
                let text = std::fs::read_to_string(path).with_context(context)?;
                let folding: BTreeMap<String, Parallelism> = serde_json::from_str(&text)
                    .map_err(|error| FoldingFile { path: path.clone(), reason: error.to_string() })?;
                Goal::Folding(folding)
            }
        };
        let board = self.board.as_deref().map(Board::find).transpose()?;
        let clock = match (&board, self.clock) {
            (None, clock) => clock.unwrap_or(DEFAULT_CLOCK_MHZ),
            (Some(board), Some(clock)) => board.clock(clock)?.megahertz(),
            (Some(board), None) => board.design_clock()?.megahertz(),
        };
        let network = model.network().clone();
        let network = if self.writable_weights { replaceable(network, &model.weight_types())? } else { network };
        let target = match &board {
            None => Target::default(),
            Some(board) => {
                board.check_weights(network.weight_bits())?;
                board.target()
            }
        };
        let plan = plan_for(network, &goal, clock, &target)?;
        let compiled = artifacts::write(&plan, board.as_ref(), &self.output)?;
        let report = compiled.report();
        if self.json {
            show(&(serde_json::to_string(&report).map_err(anyhow::Error::from)? + "\n"))
        } else {
            let checked = compiled.manifest.checked;
            show(&format!("{report}checked against the network: {checked}\nwritten to {}\n", self.output.display()))
        }
    }
}
