//! `Network` → `Plan`: chooses the parallelism of each layer and lays out the pipeline.

use crate::plan::{Plan, Stage, StageKind};
use crate::schedule;
use abi::packing::StreamFormat;
use miette::Diagnostic;
use network::network::{Layer, LayerId, LayerKind, Network, TensorId, WeightMatrix};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

mod search;

/// Parallelism of one dot-product layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parallelism {
    /// Rows (output channels) computed at once, 1 to all.
    pub pe: usize,
    /// Columns (input elements) taken at once, 1 to all.
    pub simd: usize,
}

/// What the planner aims at.
#[derive(Clone, Debug, PartialEq)]
pub enum Goal {
    /// The smallest design that takes this many images per second.
    FramesPerSecond(f64),
    /// The given parallelism of each dot-product layer, by layer name.
    Folding(BTreeMap<String, Parallelism>),
}

/// A goal that cannot be planned, or a network that no pipeline of ours computes.
#[derive(Clone, Debug, PartialEq, Error, Diagnostic)]
pub enum PlanError {
    /// More images than clock cycles.
    #[error(
        "{frames_per_second} images per second at {clock_mhz} MHz must leave at least one clock cycle per image, but leave {cycles:.3}"
    )]
    #[diagnostic(
        code(compiler::fold::too_fast),
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
    #[diagnostic(code(compiler::fold::not_positive), help("give a number such as 100"))]
    NotPositive {
        /// Which number.
        what: &'static str,
        /// What was given.
        found: f64,
    },
    /// A name in the folding file that no layer has.
    #[error("every name in the folding must be a dot-product layer, but `{name}` is none")]
    #[diagnostic(code(compiler::fold::unknown_layer), help("the layers to fold are: {known}"))]
    UnknownLayer {
        /// The name.
        name: String,
        /// The layers that exist.
        known: String,
    },
    /// A layer without folding.
    #[error("the folding must name every dot-product layer, but `{name}` is missing")]
    #[diagnostic(
        code(compiler::fold::missing_layer),
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
        code(compiler::fold::out_of_range),
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
    /// A layer that hardware has no unit for.
    #[error("layer `{name}` must {must}, but {found}")]
    #[diagnostic(code(compiler::fold::no_unit), help("{help}"))]
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

/// Plans hardware for `network` at `clock_mhz`.
///
/// # Errors
/// Where the goal cannot be met, or the network holds what no unit computes.
pub fn plan(network: Network, goal: &Goal, clock_mhz: f64) -> Result<Plan, PlanError> {
    if !(clock_mhz.is_finite() && clock_mhz > 0.0) {
        return Err(PlanError::NotPositive { what: "the clock in MHz", found: clock_mhz });
    }
    let pipeline = pipeline(&network)?;
    let parallelism = match goal {
        Goal::FramesPerSecond(rate) => {
            if !(rate.is_finite() && *rate > 0.0) {
                return Err(PlanError::NotPositive { what: "the target rate in images per second", found: *rate });
            }
            let cycles = clock_mhz * 1e6 / rate;
            if cycles < 1.0 {
                return Err(PlanError::TooFast { frames_per_second: *rate, clock_mhz, cycles });
            }
            search::smallest(&dots(&network, &pipeline), cycles.min(1e18) as u64)
        }
        Goal::Folding(folding) => explicit(&network, &pipeline, folding)?,
    };
    let stages = stages(&network, &pipeline, &parallelism);
    let (initiation_interval, latency) = schedule::schedule(&stages);
    Ok(Plan { network, clock_mhz, stages, initiation_interval, latency })
}

/// A unit of the pipeline before parallelism is chosen: a layer and the thresholds that it takes in.
#[derive(Clone, Copy, Debug)]
struct Unit {
    layer: LayerId,
    thresholds: Option<LayerId>,
}

/// The units in order, after checking that hardware has each.
fn pipeline(network: &Network) -> Result<Vec<Unit>, PlanError> {
    let mut units = Vec::new();
    let mut tensor = network.input;
    while let Some(layer) = only_consumer(network, tensor)? {
        check_unit(network, layer)?;
        let mut unit = Unit { layer, thresholds: None };
        tensor = network.layer(layer).output;
        if matches!(network.layer(layer).kind, LayerKind::MatrixVector(_))
            && let Some(next) = only_consumer(network, tensor)?
            && let LayerKind::MultiThreshold(_) = network.layer(next).kind
        {
            check_unit(network, next)?;
            unit.thresholds = Some(next);
            tensor = network.layer(next).output;
        }
        units.push(unit);
    }
    if units.is_empty() {
        return Err(PlanError::NoUnit {
            name: network.name.clone(),
            must: "hold at least one layer for hardware",
            found: "the input map already gives the scores".into(),
            help: "run the model with `xnorforge run`; there is nothing to accelerate",
        });
    }
    Ok(units)
}

fn only_consumer(network: &Network, tensor: TensorId) -> Result<Option<LayerId>, PlanError> {
    let consumers: Vec<LayerId> = network.consumers(tensor).collect();
    match consumers[..] {
        [] => Ok(None),
        [layer] => Ok(Some(layer)),
        [layer, ..] => Err(PlanError::NoUnit {
            name: network.layer(layer).name.clone(),
            must: "read a tensor that no other layer reads",
            found: format!("{} layers read it", consumers.len()),
            help: "forks are not supported yet; export the network as one chain",
        }),
    }
}

fn check_unit(network: &Network, id: LayerId) -> Result<(), PlanError> {
    let layer = network.layer(id);
    let no_unit = |must, found: String, help| Err(PlanError::NoUnit { name: layer.name.clone(), must, found, help });
    match &layer.kind {
        LayerKind::MatrixVector(weights) if weights.element != abi::ElementType::Bipolar => no_unit(
            "have weights of -1 and +1",
            format!("its weights are of type {}", weights.element),
            "run it on `cpu` or `reference`; hardware for wider weights is not supported yet",
        ),
        LayerKind::MatrixVector(_) if network.tensor(layer.input()).element.bits() > 8 => no_unit(
            "read activations of at most 8 bits",
            format!("they are of type {}", network.tensor(layer.input()).element),
            "quantise the activations before this layer to 8 bits or fewer",
        ),
        // The unused lanes of accumulator words are not zero, which a dot product would count.
        LayerKind::MatrixVector(_) if is_accumulator(network, layer.input()) => no_unit(
            "read quantised activations",
            "it reads the accumulators of another dot product".into(),
            "put a quantiser between the two layers, or merge their weights before the export",
        ),
        LayerKind::MultiThreshold(steps) if !steps.iter().all(|step| step.is_rising()) => no_unit(
            "have step functions that rise",
            "one of them falls or turns".into(),
            "run it on `cpu` or `reference`; such steps have no hardware yet",
        ),
        LayerKind::MultiThreshold(_) if network.tensor(layer.output).element.bits() > 8 => no_unit(
            "quantise to at most 8 bits",
            format!("it makes {}", network.tensor(layer.output).element),
            "choose a bit width of 8 or less",
        ),
        LayerKind::MatrixVector(_) | LayerKind::MultiThreshold(_) | LayerKind::ArgMax => Ok(()),
        kind => no_unit("have a unit", format!("{} has none", kind.name()), "run it on `cpu` or `reference`"),
    }
}

/// Whether a dot product writes the tensor.
fn is_accumulator(network: &Network, tensor: TensorId) -> bool {
    network.layers.iter().any(|layer| layer.output == tensor && matches!(layer.kind, LayerKind::MatrixVector(_)))
}

/// The dot-product layers among the units, in order.
fn dots<'a>(network: &'a Network, units: &[Unit]) -> Vec<(&'a Layer, &'a WeightMatrix)> {
    units
        .iter()
        .filter_map(|unit| match &network.layer(unit.layer).kind {
            LayerKind::MatrixVector(weights) => Some((network.layer(unit.layer), weights)),
            _ => None,
        })
        .collect()
}

fn explicit(
    network: &Network,
    units: &[Unit],
    folding: &BTreeMap<String, Parallelism>,
) -> Result<Vec<Parallelism>, PlanError> {
    let dots = dots(network, units);
    if let Some(name) = folding.keys().find(|name| !dots.iter().any(|(layer, _)| layer.name == **name)) {
        let known: Vec<&str> = dots.iter().map(|(layer, _)| layer.name.as_str()).collect();
        return Err(PlanError::UnknownLayer { name: name.clone(), known: known.join(", ") });
    }
    dots.iter()
        .map(|(layer, weights)| {
            let name = layer.name.clone();
            let (rows, columns) = (weights.rows, weights.columns);
            let found = *folding.get(&name).ok_or(PlanError::MissingLayer { name: name.clone(), rows, columns })?;
            for (dimension, found, limit) in [("pe", found.pe, rows), ("simd", found.simd, columns)] {
                if found < 1 || found > limit {
                    return Err(PlanError::OutOfRange { name, dimension, limit, found });
                }
            }
            Ok(found)
        })
        .collect()
}

fn stages(network: &Network, units: &[Unit], parallelism: &[Parallelism]) -> Vec<Stage> {
    let mut parallelism = parallelism.iter();
    let mut stages: Vec<Stage> = Vec::new();
    for (number, unit) in units.iter().enumerate() {
        let layer = network.layer(unit.layer);
        let name = identifier(number, &layer.name);
        let format = |tensor: TensorId, lanes: usize| {
            let tensor = network.tensor(tensor);
            StreamFormat { element: tensor.element, lanes, channels: tensor.channels, vectors: tensor.vectors() }
        };
        let lanes_before = stages.last().map(|stage| stage.output.lanes);
        let mut push = |name: String, kind: StageKind, input, output, tensor| {
            let cycles = schedule::cycles(&kind, &input, &output);
            stages.push(Stage { name, kind, input, output, tensor, cycles });
        };
        match &layer.kind {
            LayerKind::MatrixVector(_) => {
                let Some(Parallelism { pe, simd }) = parallelism.next().copied() else {
                    return stages;
                };
                let input = format(layer.input(), simd);
                if let Some(lanes) = lanes_before.filter(|lanes| *lanes != simd) {
                    let before = format(layer.input(), lanes);
                    push(format!("{name}_width_converter"), StageKind::WidthConverter, before, input, layer.input());
                }
                let tensor = unit.thresholds.map_or(layer.output, |id| network.layer(id).output);
                let kind = StageKind::MatrixVectorUnit { layer: unit.layer, thresholds: unit.thresholds, pe, simd };
                push(name, kind, input, format(tensor, pe), tensor);
            }
            LayerKind::MultiThreshold(_) => {
                let lanes = lanes_before.unwrap_or(1);
                let kind = StageKind::MultiThreshold { layer: unit.layer };
                push(name, kind, format(layer.input(), lanes), format(layer.output, lanes), layer.output);
            }
            LayerKind::ArgMax => {
                let kind = StageKind::ArgMax { layer: unit.layer };
                let input = format(layer.input(), lanes_before.unwrap_or(1));
                push(name, kind, input, format(layer.output, 1), layer.output);
            }
            _ => return stages,
        }
    }
    stages
}

/// A Verilog identifier for a layer: its number, and its name as far as identifiers go.
fn identifier(number: usize, name: &str) -> String {
    let clean: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    let clean: Vec<&str> = clean.split('_').filter(|part| !part.is_empty()).collect();
    let mut short = clean.join("_");
    short.truncate(40);
    format!("layer{number}_{short}")
}
