//! Why there is no plan.

use crate::plan::Misfit;
use miette::Diagnostic;
use thiserror::Error;

/// No FPGA clocks logic faster.
pub const MAX_CLOCK_MHZ: f64 = 1000.0;

/// A goal that cannot be planned, or a network that no pipeline of ours computes.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
pub enum PlanError {
    /// More images than clock cycles.
    #[error(
        "{frames_per_second} images per second at {clock_mhz} MHz must leave at least one clock cycle per image, but leave {cycles:.3}"
    )]
    #[diagnostic(
        code(compiler::planner::too_fast),
        help("lower --target-fps or raise --clock: at most {clock_mhz} million images per second")
    )]
    TooFast {
        /// The goal.
        frames_per_second: f64,
        /// The clock.
        clock_mhz: f64,
        /// Cycles per image.
        cycles: f64,
    },
    /// A clock or rate that is no positive number.
    #[error("{what} must be a positive number, but is {found}")]
    #[diagnostic(code(compiler::planner::not_positive), help("give a number such as 100"))]
    NotPositive {
        /// Which number.
        what: &'static str,
        /// What was given.
        found: f64,
    },
    /// A clock beyond any FPGA's.
    #[error("the clock must be at most {} MHz, but is {clock_mhz} MHz", MAX_CLOCK_MHZ)]
    #[diagnostic(
        code(compiler::planner::clock),
        help("give the clock in MHz, not in Hz: small FPGAs run such designs at some 20 to 200 MHz")
    )]
    Clock {
        /// The clock.
        clock_mhz: f64,
    },
    /// A name in the folding file that no layer has.
    #[error("every name in the folding must be a dot-product layer, but `{name}` is none")]
    #[diagnostic(code(compiler::planner::unknown_layer), help("the layers to fold are: {known}"))]
    UnknownLayer {
        /// The name.
        name: String,
        /// The layers that exist.
        known: String,
    },
    /// A layer without folding.
    #[error("the folding must name every dot-product layer, but `{name}` is missing")]
    #[diagnostic(
        code(compiler::planner::missing_layer),
        help("add `\"{name}\": {{\"pe\": 1, \"simd\": 1}}`, with pe up to {rows} and simd up to {columns}")
    )]
    MissingLayer {
        /// The layer.
        name: String,
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
    },
    /// Parallelism beyond the layer's size, or none.
    #[error("{dimension} of layer `{name}` must be 1 to {limit}, but is {found}")]
    #[diagnostic(
        code(compiler::planner::out_of_range),
        help("choose any number from 1 to {limit}; it need not divide {limit}")
    )]
    OutOfRange {
        /// The layer.
        name: String,
        /// `pe` or `simd`.
        dimension: &'static str,
        /// The greatest legal number.
        limit: usize,
        /// What was given.
        found: usize,
    },
    /// A rate that no parallelism reaches.
    #[error(
        "{frames_per_second} images per second at {clock_mhz} MHz leave {interval} clock cycle{} per image, but `{name}` takes at least {cycles}",
        if *interval == 1 { "" } else { "s" }
    )]
    #[diagnostic(
        code(compiler::planner::unreachable),
        help("lower --target-fps to {most:.1} or less, or raise --clock")
    )]
    Unreachable {
        /// The goal.
        frames_per_second: f64,
        /// The clock.
        clock_mhz: f64,
        /// Cycles per image that the goal leaves.
        interval: u64,
        /// The slowest stage.
        name: String,
        /// What it takes.
        cycles: u64,
        /// The greatest rate that can be reached.
        most: f64,
    },
    /// A design larger than the chip.
    #[error("the design must fit the chip, but needs {lacking}")]
    #[diagnostic(code(compiler::planner::no_room), help("{help}"))]
    NoRoom {
        /// What there is too little of.
        lacking: String,
        /// What to do.
        help: String,
    },
    /// Stages that wait for each other with any depth of queues.
    #[error("an image must pass through the pipeline of `{name}`, but its stages wait for each other for ever")]
    #[diagnostic(
        code(compiler::planner::stuck),
        help("this is a fault of xnorforge: please report it with the model and the folding")
    )]
    Stuck {
        /// The network.
        name: String,
    },
    /// A stage that does not find its vectors in its words.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Misfit(#[from] Box<Misfit>),
    /// A layer that hardware has no unit for.
    #[error("layer `{name}` must {must}, but {found}")]
    #[diagnostic(code(compiler::planner::no_unit), help("{help}"))]
    NoUnit {
        /// The layer.
        name: String,
        /// What would have to hold.
        must: &'static str,
        /// What was found.
        found: String,
        /// What to do.
        help: &'static str,
    },
}

impl PlanError {
    /// Whether the answer is no rather than the question wrong.
    pub fn is_too_large(&self) -> bool {
        matches!(self, PlanError::NoRoom { .. })
    }
}
