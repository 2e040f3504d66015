//! `compile`: a model becomes a directory with everything that later verbs need.

use crate::engine::{DEFAULT_CLOCK_MHZ, DEFAULT_TARGET_FPS};
use crate::error::VerbError;
use crate::file::FileError;
use crate::model::Model;
use crate::preparation::Preparation;
use crate::refusals::{FoldingFile, MaxWithoutBoard};
use compiler::blocks::Parallelism;
use compiler::planner::{Goal, PlanError, Target, has_room, plan_for};
use compiler::replace::with_writable_weights;
use compiler::values::images_of;
use flow::artifacts::{self, Compiled};
use flow::board::Board;
use flow::prefix::Prefix;
use network::network::Network;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What to compile.
#[derive(Clone, Debug)]
pub struct Options {
    /// A QONNX or TensorFlow Lite file.
    pub model: PathBuf,
    /// The directory to write; one that `compile` wrote before is replaced.
    pub output: PathBuf,
    /// The board to compile for; without one, only the core is written.
    pub board: Option<String>,
    /// What the plan is to reach.
    pub rate: Rate,
    /// Clock in MHz; without one, that of the board's designs, or 100.
    pub clock: Option<f64>,
    /// Whether other weights and thresholds can be loaded into the running design.
    pub writable_weights: bool,
    /// What the names of modules and files begin with; without one, `xnorforge`.
    pub prefix: Option<String>,
    /// What is done to the graph of a model first.
    pub preparation: Preparation,
}

/// What a plan is to reach.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Rate {
    /// As many images per second as where nobody asks for any.
    #[default]
    Default,
    /// So many images per second.
    FramesPerSecond(f64),
    /// The most images per second that the board has room for.
    Fastest,
    /// What the parallelism in this JSON file gives.
    Folding(PathBuf),
}

/// Drawn images that a compiled plan was compared with its network on; `None` where single stages were.
pub fn images_checked(compiled: &Compiled) -> Option<u64> {
    images_of(&compiled.plan.network)
}

/// Compiles a model into a directory: Verilog, memories, testbench, plan, manifest, report.
///
/// # Errors
/// Where the model or the board cannot be had, the network does not fit, or the directory cannot be written.
pub fn compile(options: &Options) -> Result<Compiled, VerbError> {
    if options.rate == Rate::Fastest && options.board.is_none() {
        return Err(MaxWithoutBoard.into());
    }
    let prefix = options.prefix.as_deref().map(Prefix::new).transpose()?.unwrap_or_default();
    let model = Model::open(&options.model, &options.preparation)?;
    let goal = match &options.rate {
        Rate::Fastest => Goal::Fastest,
        Rate::Default => Goal::FramesPerSecond(DEFAULT_TARGET_FPS),
        Rate::FramesPerSecond(rate) => Goal::FramesPerSecond(*rate),
        Rate::Folding(path) => Goal::Folding(folding(path)?),
    };
    let board = options.board.as_deref().map(Board::find).transpose()?;
    let clock = match (&board, options.clock) {
        (None, clock) => clock.unwrap_or(DEFAULT_CLOCK_MHZ),
        (Some(board), Some(clock)) => board.clock(clock)?.megahertz(),
        (Some(board), None) => board.design_clock()?.megahertz(),
    };
    let wanted_network = || -> Result<Network, VerbError> {
        let network = model.network().clone();
        Ok(if options.writable_weights { with_writable_weights(network, &model.weight_types())? } else { network })
    };
    let network = wanted_network()?;
    let target = match &board {
        None => Target::default(),
        Some(board) => {
            board.check_weights(network.weight_bits())?;
            board.target()
        }
    };
    let plan = match (plan_for(network, &goal, clock, &target), &board) {
        (Err(PlanError::NoRoom { lacking, goal, most: None, larger: None }), Some(board)) => {
            let larger = Some(with_room(&wanted_network()?, board));
            return Err(PlanError::NoRoom { lacking, goal, most: None, larger }.into());
        }
        (Err(error), _) if options.rate == Rate::Default => return Err(error.of_default_rate().into()),
        (plan, _) => plan?,
    };
    Ok(artifacts::write_as(&plan, board.as_ref(), &prefix, &options.output)?)
}

/// The other boards that have room for a network.
fn with_room(network: &Network, board: &Board) -> Vec<String> {
    let has_room = |board: &Board| {
        let clock = board.design_clock().ok()?.megahertz();
        board.check_weights(network.weight_bits()).ok()?;
        has_room(network, clock, &board.target()).ok()
    };
    let others = Board::names().into_iter().filter(|name| *name != board.name);
    let boards = others.filter_map(|name| Board::find(&name).ok());
    let named = |board: Board| match board.facts.fpga.family.bitstream() {
        Some(_) => board.name,
        None => format!("{} (synthesis only)", board.name),
    };
    boards.filter(|board| has_room(board) == Some(true)).map(named).collect()
}

/// The parallelism of each layer that a file gives.
fn folding(path: &Path) -> Result<BTreeMap<String, Parallelism>, VerbError> {
    let tried = format!("cannot read the folding file {}", path.display());
    let text = std::fs::read_to_string(path).map_err(FileError::context(tried))?;
    let fault = |error: serde_json::Error| FoldingFile { path: path.to_owned(), reason: error.to_string() };
    Ok(serde_json::from_str(&text).map_err(fault)?)
}
