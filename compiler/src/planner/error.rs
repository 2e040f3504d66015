//! Why there is no plan.

use crate::plan::Misfit;
use miette::Diagnostic;
use std::fmt;
use thiserror::Error;

/// No FPGA clocks logic faster.
pub const MAX_CLOCK_MHZ: f64 = 1000.0;

/// A rate to plan for, as messages name it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateGoal {
    /// Images per second.
    pub frames_per_second: f64,
    /// Whether nobody asked for it.
    pub is_default: bool,
}

impl fmt::Display for RateGoal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RateGoal { frames_per_second, is_default } = self;
        let of = if *is_default { "the default rate of " } else { "" };
        write!(f, "{of}{frames_per_second} images per second")
    }
}

impl RateGoal {
    fn leaves(&self) -> &'static str {
        if self.is_default { "leaves" } else { "leave" }
    }

    /// What to do where only `most` images per second can be had.
    fn lowered_to(&self, most: &str) -> String {
        match self.is_default {
            true => format!("ask for {most} images per second or less (`compile … --target-fps {most}`)"),
            false => format!("lower --target-fps to {most} or less"),
        }
    }
}

/// What to do where there is no room.
fn way_to_room(goal: &Option<RateGoal>, most: &Option<String>, larger: &Option<Vec<String>>) -> String {
    const LESS: &str = "fewer or narrower layers, or weights of fewer bits";
    match (most, goal, larger) {
        (Some(most), Some(goal), _) => format!("{}, or choose a larger board", goal.lowered_to(most)),
        (Some(most), None, _) => {
            format!("choose less parallelism (there is room for {most} images per second) or a larger board")
        }
        (None, _, None) => {
            format!("even the slowest design is too large: choose a larger board (`xnorforge boards`), or {LESS}")
        }
        (None, _, Some(boards)) if boards.is_empty() => {
            format!("even the slowest design is too large for every supported board: the network needs {LESS}")
        }
        (None, _, Some(boards)) => {
            format!("even the slowest design is too large for this board; there is room on {}", boards.join(", "))
        }
    }
}

/// The greatest rate that designs of this interval keep to, rounded down to three digits or to whole images: a rate that
/// was rounded up would be refused again.
pub(super) fn rate_kept(clock_mhz: f64, interval: u64) -> String {
    let hertz = clock_mhz * 1e6;
    let rate = hertz / interval as f64;
    let digits = (2.0 - rate.log10().floor()).clamp(0.0, 18.0) as usize;
    let unit = 10f64.powi(-(digits as i32));
    let mut steps = (rate / unit).floor();
    loop {
        let text = format!("{:.digits$}", steps * unit);
        // As the planner counts the cycles that a rate leaves.
        if steps <= 1.0 || text.parse().is_ok_and(|rate: f64| (hertz / rate) as u64 >= interval) {
            return text;
        }
        steps -= 1.0;
    }
}

/// A goal that cannot be planned, or a network that no pipeline of ours computes.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
pub enum PlanError {
    /// More images than clock cycles.
    #[error(
        "{goal} at {clock_mhz} MHz must leave at least one clock cycle per image, but {} {cycles:.3}",
        goal.leaves()
    )]
    #[diagnostic(
        code(compiler::planner::too_fast),
        help("lower --target-fps or raise --clock: at most {clock_mhz} million images per second")
    )]
    TooFast {
        /// The goal.
        goal: RateGoal,
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
        "{goal} at {clock_mhz} MHz {} {interval} clock cycle{} per image, but `{name}` takes at least {cycles}",
        goal.leaves(),
        if *interval == 1 { "" } else { "s" }
    )]
    #[diagnostic(
        code(compiler::planner::unreachable),
        help("{}, or raise --clock", goal.lowered_to(most))
    )]
    Unreachable {
        /// The goal.
        goal: RateGoal,
        /// The clock.
        clock_mhz: f64,
        /// Cycles per image that the goal leaves.
        interval: u64,
        /// The slowest stage.
        name: String,
        /// What it takes.
        cycles: u64,
        /// The greatest rate that can be reached.
        most: String,
    },
    /// A design larger than the chip.
    #[error("the design must fit the chip, but needs {lacking}")]
    #[diagnostic(code(compiler::planner::no_room), help("{}", way_to_room(goal, most, larger)))]
    NoRoom {
        /// What there is too little of.
        lacking: String,
        /// The rate asked for, if one was.
        goal: Option<RateGoal>,
        /// The greatest rate that there is room for; `None` where even the slowest design is too large.
        most: Option<String>,
        /// The chips that the slowest design has room on, where that is known.
        larger: Option<Vec<String>>,
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

    /// The same error of a rate that nobody asked for.
    pub fn of_default_rate(mut self) -> Self {
        if let PlanError::TooFast { goal, .. }
        | PlanError::Unreachable { goal, .. }
        | PlanError::NoRoom { goal: Some(goal), .. } = &mut self
        {
            goal.is_default = true;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_that_are_offered_are_kept() {
        let shown =
            [(25.0, 589_623, "42.3"), (100.0, 864, "115740"), (12.0, 12_000_000, "1.00"), (25.0, 1, "25000000")];
        for (clock_mhz, interval, rate) in shown {
            assert_eq!(rate_kept(clock_mhz, interval), rate, "{interval} cycles at {clock_mhz} MHz");
        }
        for clock_mhz in [0.5, 12.0, 24.0, 25.0, 33.333_333, 48.0, 100.0, 1000.0] {
            for interval in (0..60).map(|power| 1.7f64.powi(power) as u64).chain(1..3000) {
                let text = rate_kept(clock_mhz, interval);
                let rate: f64 = text.parse().unwrap_or_default();
                assert!(rate > 0.0 && (clock_mhz * 1e6 / rate) as u64 >= interval, "{text}: {interval} at {clock_mhz}");
                assert!(rate >= 0.98 * clock_mhz * 1e6 / interval as f64, "{text}: {interval} at {clock_mhz}");
            }
        }
    }
}
