//! What must hold of every `Plan`.

use super::{PlanError, plan_again};
use crate::blocks::{Block, Parallelism};
use crate::plan::{Misfit, Plan, check_fit};
use miette::Diagnostic;
use network::network::{Layer, LayerKind};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use thiserror::Error;

/// A plan that is not one of its network.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
pub enum PlanInvalid {
    /// No plan comes of the network with these stages.
    #[error("the stages must make a pipeline of the network: {source}")]
    #[diagnostic(code(compiler::plan::none), help("the plan is damaged or written by hand: compile the model again"))]
    NoPlan {
        /// Why not.
        source: PlanError,
    },
    /// A stage that does not find its vectors in its words.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Misfit(#[from] Box<Misfit>),
    /// A field that does not follow from the network and its parallelism.
    #[error("`{field}` of {place} of the plan must be {expected}, but is {found}")]
    #[diagnostic(
        code(compiler::plan::differs),
        help("the plan is damaged, written by hand or by another version: compile the model again")
    )]
    Differs {
        /// The stage, the stream, the pipeline, or a layer that hardware computes.
        place: Box<str>,
        /// The field, as files call it.
        field: Box<str>,
        /// What follows from the network and its parallelism.
        expected: Box<str>,
        /// What was found.
        found: Box<str>,
    },
}

/// What hardware can compare with: sums are 32-bit integers, and one more than the greatest is never reached.
const BOUNDARIES: RangeInclusive<i64> = -(1 << 31)..=1 << 31;

impl Plan {
    /// Checks every rule that hardware relies on, for a [valid](network::network::Network::validate) network.
    ///
    /// Of what a plan holds, only network, clock, parallelism, what memories are made of and the interval that the other
    /// stages keep to are free: everything else is planned again and compared.
    ///
    /// # Errors
    /// Where a rule is broken, the first one.
    pub fn validate(&self) -> Result<(), PlanInvalid> {
        let mut folding = BTreeMap::new();
        for layer in self.network.layers.iter().filter(|layer| layer.kind.weights().is_some()) {
            // Where no stage has the layer, the stages differ from those planned with any parallelism.
            folding.insert(layer.name.clone(), Parallelism { pe: 1, simd: 1 });
        }
        for stage in &self.stages {
            if let Some(unit) = stage.block.dot_unit()
                && let Some(layer) = self.network.layers.get(unit.layer.0)
                && let Some(parallelism) = folding.get_mut(&layer.name)
            {
                *parallelism = Parallelism { pe: unit.pe, simd: unit.simd };
            }
        }
        let interval = self.stages.iter().map(|stage| stage.cycles).max();
        let memories = self.stages.iter().map(|stage| (stage.name.clone(), stage.memories)).collect();
        let planned = plan_again(self.network.clone(), &folding, self.clock_mhz, interval, memories)
            .map_err(|source| PlanInvalid::NoPlan { source })?;
        let pipeline = || "the pipeline".to_owned();
        same(pipeline, "stages.len()", &planned.stages.len(), &self.stages.len())?;
        same(pipeline, "streams.len()", &planned.streams.len(), &self.streams.len())?;
        for (index, (planned, found)) in planned.stages.iter().zip(&self.stages).enumerate() {
            let place = || format!("stage {index}, `{}`,", planned.name);
            same(place, "name", &planned.name, &found.name)?;
            same_block(place, &planned.block, &found.block)?;
            same(place, "inputs", &planned.inputs, &found.inputs)?;
            same(place, "outputs", &planned.outputs, &found.outputs)?;
            same(place, "cycles", &planned.cycles, &found.cycles)?;
            same(place, "memories", &planned.memories, &found.memories)?;
        }
        for (index, (planned, found)) in planned.streams.iter().zip(&self.streams).enumerate() {
            let place = || format!("stream {index}, `{}`,", planned.name);
            same(place, "name", &planned.name, &found.name)?;
            same(place, "format", &planned.format, &found.format)?;
            same(place, "padded", &planned.padded, &found.padded)?;
            same(place, "clean", &planned.clean, &found.clean)?;
            same(place, "tensor", &planned.tensor, &found.tensor)?;
        }
        same(pipeline, "initiation_interval", &planned.initiation_interval, &self.initiation_interval)?;
        same(pipeline, "latency", &planned.latency, &self.latency)?;
        check_fit(&self.streams, &self.stages)?;
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
    Err(differs(place(), field, format!("{expected:?}"), format!("{found:?}")))
}

/// Names the first number of a block that differs.
fn same_block(place: impl Fn() -> String, expected: &Block, found: &Block) -> Result<(), PlanInvalid> {
    let mut found = found.clone();
    // A reason is text for people, which other versions word in other ways.
    if let (
        Block::MatrixVectorUnit(unit) | Block::DepthwiseUnit(unit),
        Block::MatrixVectorUnit(planned) | Block::DepthwiseUnit(planned),
    ) = (&mut found, expected)
    {
        unit.reason.clone_from(&planned.reason);
    }
    if *expected == found {
        return Ok(());
    }
    let number = |block: &Block| serde_json::to_value(block).unwrap_or_default();
    let (field, expected, found) = first_difference("block", &number(expected), &number(&found));
    Err(differs(place(), &field, expected, found))
}

fn differs(place: String, field: &str, expected: String, found: String) -> PlanInvalid {
    PlanInvalid::Differs { place: place.into(), field: field.into(), expected: expected.into(), found: found.into() }
}

/// The path of the first leaf in which two values differ, and both.
fn first_difference(path: &str, expected: &Value, found: &Value) -> (String, String, String) {
    if let (Value::Object(left), Value::Object(right)) = (expected, found)
        && left.keys().eq(right.keys())
        && let Some((name, value)) = left.iter().find(|(name, value)| right.get(*name) != Some(*value))
    {
        return first_difference(&format!("{path}.{name}"), value, &right[name]);
    }
    (path.to_owned(), expected.to_string(), found.to_string())
}

/// Checks that hardware can take in the boundaries of a layer's step functions.
fn comparable(layer: &Layer) -> Result<(), PlanInvalid> {
    let LayerKind::MultiThreshold(steps) = &layer.kind else {
        return Ok(());
    };
    match steps.iter().flat_map(|step| &step.boundaries).find(|boundary| !BOUNDARIES.contains(boundary)) {
        None => Ok(()),
        Some(boundary) => Err(differs(
            format!("layer `{}`", layer.name),
            "boundaries",
            format!("{} to {}", BOUNDARIES.start(), BOUNDARIES.end()),
            boundary.to_string(),
        )),
    }
}
