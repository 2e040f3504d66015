//! `Plan` → `Design`: the plan's stages as rust-hdl blocks.

pub mod pipeline;
mod weights;
mod windows;

use crate::blocks::add_unit::AddUnit;
use crate::blocks::arg_max::ArgMax;
use crate::blocks::concat::Concat;
use crate::blocks::depthwise_unit::{DepthwiseShape, DepthwiseUnit};
use crate::blocks::fork::Fork;
use crate::blocks::matrix_vector_unit::{MatrixVectorShape, MatrixVectorUnit, RowFunction};
use crate::blocks::multi_threshold::MultiThreshold;
use crate::blocks::multiply_unit::MultiplyUnit;
use crate::blocks::pool_unit::{PoolShape, PoolUnit, Rounds};
use crate::blocks::rom::Rom;
use crate::blocks::scale_unit::ScaleUnit;
use crate::blocks::stream_block::StreamBlock;
use crate::blocks::stream_fifo::StreamFifo;
use crate::blocks::table_unit::{TableShape, TableUnit};
use crate::blocks::upsample::Upsample;
use crate::blocks::weighed_lanes::WeighedShape;
use crate::blocks::width_converter::WidthConverter;
use crate::emit::EmitError;
use abi::ElementType;
use abi::weights::Segment;
use compiler::codes::Ladder;
use compiler::datapath::Form;
use compiler::fold::Dot;
use compiler::plan::{Plan, Stage, StageKind, StreamId, arithmetic};
use compiler::schedule::upsample_shape;
use miette::Diagnostic;
use network::network::{Layer, LayerId, LayerKind, Pool, PoolOperation, WeightMatrix};
pub use pipeline::{Netlist, Pipeline, Placed};
use thiserror::Error;

/// The block of a stage.
pub type Unit = Box<dyn StreamBlock>;

/// A plan as hardware.
#[derive(Debug)]
pub struct Design {
    /// Name of the top module.
    pub top: String,
    /// The core.
    pub pipeline: Pipeline,
}

impl Design {
    /// What the memories hold, as words of the weight window; empty where weights are fixed.
    pub fn weights(&self) -> Vec<Segment> {
        self.pipeline.memories().flat_map(Rom::segments).collect()
    }
}

/// A plan that no hardware was made of.
#[derive(Debug, Error, Diagnostic)]
pub enum DesignError {
    /// A stage that names a layer of another kind.
    #[error("stage `{stage}` must compute a layer of its own kind, but layer `{layer}` is of another")]
    #[diagnostic(code(hdl::design::stage), help("plan.json is damaged or written by hand: compile the model again"))]
    Stage {
        /// The stage.
        stage: String,
        /// The layer.
        layer: String,
    },
    /// A stage that no block computes yet.
    #[error("stage `{stage}` must have a block, but there is none for {kind}")]
    #[diagnostic(code(hdl::design::no_block), help("run the model on `cpu` or `reference`"))]
    NoBlock {
        /// The stage.
        stage: String,
        /// Its kind.
        kind: &'static str,
    },
    /// More parameters than the weight window has places.
    #[error("the weight window must have at most {most} words, but the design's weights and thresholds take {found}")]
    #[diagnostic(
        code(hdl::design::weight_window),
        help("compile without `--writable-weights`, or with less parallelism, whose memories have fewer columns")
    )]
    WeightWindow {
        /// Places of the window.
        most: u64,
        /// Words of the memories, each rounded up to a power of two.
        found: u64,
    },
    /// A clock that cannot make the line's rate.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Uart(#[from] abi::uart::UartError),
    /// Verilog could not be written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Emit(#[from] EmitError),
}

/// The hardware of `plan`.
///
/// # Errors
/// Where the plan contradicts itself.
pub fn design(plan: &Plan) -> Result<Design, DesignError> {
    let top = "xnorforge_core".to_owned();
    let placed = |stage: &Stage| {
        let numbers = |streams: &[StreamId]| streams.iter().map(|id| id.0).collect();
        let unit = unit(plan, stage)?;
        let (inputs, outputs) = (numbers(&stage.inputs), numbers(&stage.outputs));
        Ok(Placed { name: stage.name.clone(), unit, inputs, outputs })
    };
    let mut stages = plan.stages.iter().map(placed).collect::<Result<Vec<_>, DesignError>>()?;
    weights::place(&mut stages)?;
    let netlist = Netlist {
        streams: plan.streams.iter().map(|stream| (stream.name.clone(), stream.word_bits())).collect(),
        stages,
        output: plan.output().0,
    };
    Ok(Design { pipeline: Pipeline::new(&top, netlist), top })
}

fn unit(plan: &Plan, stage: &Stage) -> Result<Unit, DesignError> {
    let network = &plan.network;
    let (input, output) = (plan.stream(stage.input()).format, plan.stream(stage.output()).format);
    let fault = |layer: &str| DesignError::Stage { stage: stage.name.clone(), layer: layer.to_owned() };
    Ok(match &stage.kind {
        StageKind::WidthConverter => {
            let bits = input.element.bits() as usize;
            Box::new(WidthConverter::new(output.channels, bits, input.lanes, output.lanes))
        }
        StageKind::MatrixVectorUnit { layer, thresholds, pe, simd } => {
            let DotParts { weights, dot, function, form } = dot_parts(plan, stage, *layer, *thresholds)?;
            let shape = MatrixVectorShape {
                name: &stage.name,
                weights,
                input: input.element,
                function,
                groups: dot.groups,
                taps: dot.taps,
                padded: plan.stream(stage.input()).padded,
                form,
                writable: network.replaceable,
                pe: *pe,
                simd: *simd,
                memories: stage.memories,
            };
            Box::new(MatrixVectorUnit::new(&shape))
        }
        StageKind::DepthwiseUnit { layer, thresholds, pe } => {
            let DotParts { weights, dot: _, function, form } = dot_parts(plan, stage, *layer, *thresholds)?;
            let shape = DepthwiseShape {
                name: &stage.name,
                weights,
                input: input.element,
                function,
                padded: plan.stream(stage.input()).padded,
                form,
                writable: network.replaceable,
                lanes: *pe,
                memories: stage.memories,
            };
            Box::new(DepthwiseUnit::new(&shape))
        }
        StageKind::SlidingWindow { layer, capacity } => {
            let layer = network.layer(*layer);
            let window = windows::sliding_window(plan, stage, layer, *capacity).ok_or_else(|| fault(&layer.name))?;
            Box::new(window.of_kind(stage.memories.words))
        }
        StageKind::Fifo { depth } => {
            let width = plan.stream(stage.input()).word_bits();
            Box::new(StreamFifo::of_kind(*depth, width, stage.memories.words))
        }
        StageKind::MultiThreshold { layer } => {
            let layer = network.layer(*layer);
            let LayerKind::MultiThreshold(steps) = &layer.kind else {
                return Err(fault(&layer.name));
            };
            let (from, to) = (network.tensor(layer.input()), network.tensor(layer.output));
            let ladder = Ladder::of(steps, to, network.replaceable);
            let steps = MultiThreshold::new(&stage.name, steps, (from, to), &ladder, input.lanes);
            let steps = steps.of_kind(stage.memories.constants).writable(network.replaceable);
            Box::new(steps)
        }
        StageKind::ArgMax { layer } => {
            let layer = network.layer(*layer);
            let element = input.element;
            let signed = matches!(element, ElementType::Signed { .. });
            let (channels, index) = (network.tensor(layer.input()).channels, output.element.bits() as usize);
            Box::new(ArgMax::new(channels, element.bits() as usize, signed, input.lanes, index))
        }
        StageKind::Fork => Box::new(Fork::new(plan.stream(stage.input()).word_bits())),
        StageKind::Concat { .. } => {
            let words = [0, 1].map(|port| stage.words_per_vector(&plan.streams, port));
            Box::new(Concat::new(words, output.word_bits()))
        }
        StageKind::PoolUnit { layer } | StageKind::GlobalPool { layer } => {
            pool_unit(plan, stage, network.layer(*layer)).ok_or_else(|| fault(&network.layer(*layer).name))?
        }
        StageKind::AddUnit { layer } => {
            let layer = network.layer(*layer);
            let LayerKind::Add(add) = &layer.kind else {
                return Err(fault(&layer.name));
            };
            let shape = |port: usize| {
                let format = plan.stream(stage.inputs[port]).format;
                // Of the vectors summed: the writer may cut them into groups.
                let (element, lanes, channels) = (format.element, format.lanes, output.channels);
                WeighedShape { element, lanes, channels, factors: &add.factors[port] }
            };
            let bits = output.element.bits() as usize;
            match stage.inputs.len() {
                1 => Box::new(ScaleUnit::new(&stage.name, &shape(0), bits)),
                _ => Box::new(AddUnit::new(&stage.name, [&shape(0), &shape(1)], bits)),
            }
        }
        StageKind::MultiplyUnit { .. } => {
            let elements = [0, 1].map(|port| plan.stream(stage.inputs[port]).format.element);
            let bits = output.element.bits() as usize;
            Box::new(MultiplyUnit::new(&stage.name, elements, output.lanes, bits))
        }
        StageKind::TableUnit { layer } => {
            let layer = network.layer(*layer);
            let LayerKind::Table(table) = &layer.kind else {
                return Err(fault(&layer.name));
            };
            let inputs = [0, 1].map(|port| plan.stream(stage.inputs[port]).format.element);
            let (lanes, channels) = (output.lanes, output.channels);
            let (name, values) = (stage.name.as_str(), table.values.as_slice());
            let shape = TableShape { name, inputs, output: output.element, lanes, channels, values };
            Box::new(TableUnit::new(&shape))
        }
        StageKind::Upsample { layer } => {
            let layer = network.layer(*layer);
            let shape = upsample_shape(network, layer, stage.words_per_vector(&plan.streams, 0))
                .ok_or_else(|| fault(&layer.name))?;
            let upsample = Upsample::new(&stage.name, &shape, input.word_bits());
            Box::new(upsample.of_kind(stage.memories.words))
        }
    })
}

/// The pool of a stage, `None` where its layer is no pool.
fn pool_unit(plan: &Plan, stage: &Stage, layer: &Layer) -> Option<Unit> {
    let LayerKind::Pool(Pool { window, operation }) = &layer.kind else {
        return None;
    };
    let (input, output) = (plan.stream(stage.input()), plan.stream(stage.output()).format);
    let image = plan.network.tensor(layer.input());
    let (taps, rounds) = match stage.kind {
        StageKind::GlobalPool { .. } => (image.vectors(), Rounds::Pixels),
        _ => (window.taps(), Rounds::Taps),
    };
    let least = match operation {
        PoolOperation::Extremum(least) => Some(least.as_slice()),
        PoolOperation::Sum => None,
    };
    Some(Box::new(PoolUnit::new(&PoolShape {
        name: &stage.name,
        input: image.element,
        lanes: output.lanes,
        blocks: image.channels.div_ceil(output.lanes),
        taps,
        rounds,
        least,
        bits_out: output.element.bits() as usize,
        padded: input.padded,
    })))
}

/// What units of dot products have in common.
struct DotParts<'a> {
    weights: &'a WeightMatrix,
    dot: Dot,
    function: RowFunction<'a>,
    form: Form,
}

fn dot_parts<'a>(
    plan: &'a Plan,
    stage: &Stage,
    layer: LayerId,
    thresholds: Option<LayerId>,
) -> Result<DotParts<'a>, DesignError> {
    let network = &plan.network;
    let layer = network.layer(layer);
    let fault = |layer: &Layer| DesignError::Stage { stage: stage.name.clone(), layer: layer.name.clone() };
    let arithmetic = arithmetic(network, &plan.streams, &plan.stages, stage);
    let (Some(weights), Some(dot), Some(arithmetic)) = (layer.kind.weights(), Dot::new(network, layer), arithmetic)
    else {
        return Err(fault(layer));
    };
    let function = match thresholds.map(|id| network.layer(id)) {
        None => RowFunction::Accumulator(network.tensor(layer.output).element),
        Some(thresholds) => match &thresholds.kind {
            LayerKind::MultiThreshold(steps) => RowFunction::Steps(steps, network.tensor(thresholds.output)),
            _ => return Err(fault(thresholds)),
        },
    };
    Ok(DotParts { weights, dot, function, form: arithmetic.choice.form })
}
