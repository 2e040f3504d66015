//! `Plan`: a network and how hardware computes it.
//!
//! A pipeline of stages joined by streams. The plan fixes everything that costs or takes time: parallelism, stream
//! widths, cycles; it names no wire.

use crate::fold::{Goal, Parallelism, PlanError, plan};
use abi::packing::StreamFormat;
use network::network::{Layer, LayerId, LayerKind, Network, TensorId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

/// A network and how hardware computes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The network computed.
    pub network: Network,
    /// Clock that the frame rate is reckoned with, in MHz.
    pub clock_mhz: f64,
    /// The pipeline, input first. Each stage's output format is the next one's input format.
    pub stages: Vec<Stage>,
    /// Clock cycles between two images when source and sink never wait.
    pub initiation_interval: u64,
    /// Clock cycles from an image's first input word accepted to its last output word accepted, the pipeline
    /// idle before.
    pub latency: u64,
}

/// One stage of the pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Unique name, a Verilog identifier.
    pub name: String,
    /// What it computes.
    pub kind: StageKind,
    /// Format of the stream it reads.
    pub input: StreamFormat,
    /// Format of the stream it writes.
    pub output: StreamFormat,
    /// The tensor that the written stream carries.
    pub tensor: TensorId,
    /// Clock cycles that one image occupies it.
    pub cycles: u64,
}

/// What a stage computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    /// The same elements in words of another number of lanes.
    WidthConverter,
    /// A matrix-vector product, its thresholds included where they follow directly.
    MatrixVectorUnit {
        /// The `MatrixVector` layer.
        layer: LayerId,
        /// The `MultiThreshold` layer applied to its accumulators.
        thresholds: Option<LayerId>,
        /// Rows computed at once.
        pe: usize,
        /// Columns taken at once.
        simd: usize,
    },
    /// Step functions on a stream of integers.
    MultiThreshold {
        /// The `MultiThreshold` layer.
        layer: LayerId,
    },
    /// Index of the greatest element.
    ArgMax {
        /// The `ArgMax` layer.
        layer: LayerId,
    },
}

impl Plan {
    /// Format of the stream that enters the pipeline.
    pub fn input_format(&self) -> StreamFormat {
        self.stages[0].input
    }

    /// Format of the stream that leaves the pipeline.
    pub fn output_format(&self) -> StreamFormat {
        self.stages[self.stages.len() - 1].output
    }

    /// Images per second that the core takes at the plan's clock.
    pub fn frames_per_second(&self) -> f64 {
        self.clock_mhz * 1e6 / self.initiation_interval as f64
    }
}

/// A plan that is not one of its network.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum PlanInvalid {
    /// No plan comes of the network with these stages.
    #[error("the stages must make a pipeline of the network: {source}")]
    #[diagnostic(code(compiler::plan::none), help("the plan is damaged or written by hand: compile the model again"))]
    NoPlan {
        /// Why not.
        source: PlanError,
    },
    /// A field that does not follow from the network and its parallelism.
    #[error("`{field}` of {place} of the plan must be {expected}, but is {found}")]
    #[diagnostic(
        code(compiler::plan::differs),
        help("the plan is damaged, written by hand or by another version: compile the model again")
    )]
    Differs {
        /// The stage, the pipeline, or a layer that hardware computes.
        place: String,
        /// The field, as files call it.
        field: &'static str,
        /// What follows from the network and its parallelism.
        expected: String,
        /// What was found.
        found: String,
    },
}

/// What hardware can compare with: sums are 32-bit integers, and one more than the greatest is never reached.
const BOUNDARIES: RangeInclusive<i64> = -(1 << 31)..=1 << 31;

impl Plan {
    /// Checks every rule that hardware relies on, for a [valid](Network::validate) network.
    ///
    /// Of what a plan holds, only network, clock and parallelism are free: everything else is planned again and
    /// compared.
    ///
    /// # Errors
    /// Where a rule is broken, the first one.
    pub fn validate(&self) -> Result<(), PlanInvalid> {
        let mut folding = BTreeMap::new();
        for layer in self.network.layers.iter().filter(|layer| matches!(layer.kind, LayerKind::MatrixVector(_))) {
            // Where no stage has the layer, the stages differ from those planned with any parallelism.
            folding.insert(layer.name.clone(), Parallelism { pe: 1, simd: 1 });
        }
        for stage in &self.stages {
            if let StageKind::MatrixVectorUnit { layer, pe, simd, .. } = &stage.kind
                && let Some(parallelism) =
                    self.network.layers.get(layer.0).and_then(|layer| folding.get_mut(&layer.name))
            {
                *parallelism = Parallelism { pe: *pe, simd: *simd };
            }
        }
        let planned = plan(self.network.clone(), &Goal::Folding(folding), self.clock_mhz)
            .map_err(|source| PlanInvalid::NoPlan { source })?;
        let pipeline = || "the pipeline".to_owned();
        same(pipeline, "stages.len()", &planned.stages.len(), &self.stages.len())?;
        for (index, (planned, found)) in planned.stages.iter().zip(&self.stages).enumerate() {
            let place = || format!("stage {index}, `{}`,", planned.name);
            same(place, "name", &planned.name, &found.name)?;
            same(place, "kind", &planned.kind, &found.kind)?;
            same(place, "input", &planned.input, &found.input)?;
            same(place, "output", &planned.output, &found.output)?;
            same(place, "tensor", &planned.tensor, &found.tensor)?;
            same(place, "cycles", &planned.cycles, &found.cycles)?;
        }
        same(pipeline, "initiation_interval", &planned.initiation_interval, &self.initiation_interval)?;
        same(pipeline, "latency", &planned.latency, &self.latency)?;
        if let Some(last) = self.stages.last() {
            same(|| "the last stage".into(), "tensor", &self.network.output, &last.tensor)?;
        }
        self.network.layers.iter().try_for_each(comparable)
    }
}

fn same<T: PartialEq + fmt::Debug>(
    place: impl Fn() -> String,
    field: &'static str,
    expected: &T,
    found: &T,
) -> Result<(), PlanInvalid> {
    if expected == found {
        return Ok(());
    }
    let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
    Err(PlanInvalid::Differs { place: place(), field, expected, found })
}

/// Checks that hardware can take in the boundaries of a layer's step functions.
fn comparable(layer: &Layer) -> Result<(), PlanInvalid> {
    let LayerKind::MultiThreshold(steps) = &layer.kind else {
        return Ok(());
    };
    match steps.iter().flat_map(|step| &step.boundaries).find(|boundary| !BOUNDARIES.contains(boundary)) {
        None => Ok(()),
        Some(boundary) => Err(PlanInvalid::Differs {
            place: format!("layer `{}`", layer.name),
            field: "boundaries",
            expected: format!("{} to {}", BOUNDARIES.start(), BOUNDARIES.end()),
            found: boundary.to_string(),
        }),
    }
}

impl StageKind {
    /// The kind's name, that of its hardware block.
    pub fn name(&self) -> &'static str {
        match self {
            StageKind::WidthConverter => "width_converter",
            StageKind::MatrixVectorUnit { .. } => "matrix_vector_unit",
            StageKind::MultiThreshold { .. } => "multi_threshold",
            StageKind::ArgMax { .. } => "arg_max",
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "plan {} at {} MHz", self.network.name, self.clock_mhz)?;
        let stream = |format: &StreamFormat| {
            format!("{} x {}[{}, {}]", format.lanes, format.element, format.vectors, format.channels)
        };
        writeln!(f, "input {}", stream(&self.input_format()))?;
        for stage in &self.stages {
            write!(f, "{} = {}", stage.name, stage.kind.name())?;
            if let StageKind::MatrixVectorUnit { layer, pe, simd, .. } = &stage.kind {
                write!(f, "({}, pe {pe}, simd {simd})", self.network.layer(*layer).name)?;
            }
            writeln!(f, " -> {}  # {} cycles", stream(&stage.output), stage.cycles)?;
        }
        writeln!(f, "initiation interval {}, latency {}", self.initiation_interval, self.latency)
    }
}
