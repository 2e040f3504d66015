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
use abi::text::comment;
use abi::weights::Segment;
use compiler::blocks::Block;
use compiler::blocks::dot_unit::DotUnit;
use compiler::blocks::pool_unit as pools;
use compiler::codes::Ladder;
use compiler::plan::{Plan, Stage, StreamId};
use miette::Diagnostic;
use network::network::{Layer, LayerKind, Pool, PoolOperation, TensorId, WeightMatrix};
pub use pipeline::{Netlist, Pipeline, Placed};
use thiserror::Error;

/// The block of a stage.
pub type Unit = Box<dyn StreamBlock>;

/// A plan as hardware.
#[derive(Debug)]
pub struct Design {
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
    Ok(Design { pipeline: Pipeline::new("core", netlist) })
}

/// What the Verilog says above the module of each stage that has one of its own: the stage's name and lines.
pub fn comments(plan: &Plan) -> impl Iterator<Item = (String, Vec<String>)> {
    let stream = |id: &StreamId| {
        let format = plan.stream(*id).format;
        format!("{} x {} ({} words an image)", format.lanes, format.element, format.words_per_image())
    };
    let all = move |ids: &[StreamId]| ids.iter().map(stream).collect::<Vec<_>>().join(" and ");
    plan.stages.iter().map(move |stage| {
        let mut lines = Vec::new();
        if let Some(layer) = stage.block.layer().map(|id| plan.network.layer(id)) {
            let shape = |id: &TensorId| {
                let tensor = plan.network.tensor(*id);
                format!("{} x {} x {}", tensor.height, tensor.width, tensor.channels)
            };
            let inputs = layer.inputs.iter().map(shape).collect::<Vec<_>>().join(" and ");
            lines.push(format!("Layer {}: {inputs} -> {} (HWC).", comment(&layer.name), shape(&layer.output)));
        }
        lines.push(format!("Lanes and type of a word: {} -> {}.", all(&stage.inputs), all(&stage.outputs)));
        let folding = match stage.block.dot_unit() {
            Some(unit) => format!("pe {}, simd {}; ", unit.pe, unit.simd),
            None => String::new(),
        };
        lines.push(format!("{folding}{} cycles an image.", stage.cycles));
        (stage.name.clone(), lines)
    })
}

fn unit(plan: &Plan, stage: &Stage) -> Result<Unit, DesignError> {
    let network = &plan.network;
    let (input, output) = (plan.stream(stage.input()).format, plan.stream(stage.output()).format);
    let fault = |layer: &str| DesignError::Stage { stage: stage.name.clone(), layer: layer.to_owned() };
    Ok(match &stage.block {
        Block::WidthConverter(block) => {
            let (channels, bits) = (block.reads.channels, block.element_bits);
            Box::new(WidthConverter::new(channels, bits, block.from, block.to))
        }
        Block::MatrixVectorUnit(block) => {
            let DotParts { weights, function } = dot_parts(plan, stage, block)?;
            let shape = MatrixVectorShape {
                name: &stage.name,
                weights,
                input: input.element,
                function,
                groups: block.groups,
                taps: block.taps,
                padded: plan.stream(stage.input()).padded,
                form: block.multiplier.form,
                writable: network.replaceable,
                pe: block.pe,
                simd: block.simd,
                memories: stage.memories,
            };
            Box::new(MatrixVectorUnit::new(&shape))
        }
        Block::DepthwiseUnit(block) => {
            let DotParts { weights, function } = dot_parts(plan, stage, block)?;
            let shape = DepthwiseShape {
                name: &stage.name,
                weights,
                input: input.element,
                function,
                padded: plan.stream(stage.input()).padded,
                form: block.multiplier.form,
                writable: network.replaceable,
                lanes: block.pe,
                memories: stage.memories,
            };
            Box::new(DepthwiseUnit::new(&shape))
        }
        Block::SlidingWindow(block) => {
            let layer = network.layer(block.layer);
            let window = windows::sliding_window(plan, stage, block).ok_or_else(|| fault(&layer.name))?;
            Box::new(window.of_kind(stage.memories.words))
        }
        Block::StreamFifo(block) => Box::new(StreamFifo::of_kind(block.depth, block.word_bits, stage.memories.words)),
        Block::MultiThreshold(block) => {
            let layer = network.layer(block.layer);
            let LayerKind::MultiThreshold(steps) = &layer.kind else {
                return Err(fault(&layer.name));
            };
            let (from, to) = (network.tensor(layer.input()), network.tensor(layer.output));
            let ladder = Ladder::of(steps, to, network.replaceable);
            let steps = MultiThreshold::new(&stage.name, steps, (from, to), &ladder, block.lanes);
            let steps = steps.of_kind(stage.memories.constants).writable(network.replaceable);
            Box::new(steps)
        }
        Block::ArgMax(block) => {
            let signed = matches!(input.element, ElementType::Signed { .. });
            let (channels, index) = (block.reads.channels, output.element.bits() as usize);
            Box::new(ArgMax::new(channels, block.element_bits, signed, block.lanes, index))
        }
        Block::Fork(block) => Box::new(Fork::new(block.word_bits)),
        Block::Concat(block) => Box::new(Concat::new(block.words(), block.word_bits)),
        Block::PoolUnit(block) | Block::GlobalPool(block) => {
            pool_unit(plan, stage, block).ok_or_else(|| fault(&network.layer(block.layer).name))?
        }
        Block::AddUnit(block) => {
            let layer = network.layer(block.layer);
            let LayerKind::Add(add) = &layer.kind else {
                return Err(fault(&layer.name));
            };
            let shape = |port: usize| {
                let element = plan.stream(stage.inputs[port]).format.element;
                let (lanes, channels) = (block.lanes, block.terms[port].reads.channels);
                WeighedShape { element, lanes, channels, factors: &add.factors[port] }
            };
            let bits = block.bits_out;
            match block.terms.len() {
                1 => Box::new(ScaleUnit::new(&stage.name, &shape(0), bits)),
                _ => Box::new(AddUnit::new(&stage.name, [&shape(0), &shape(1)], bits)),
            }
        }
        Block::MultiplyUnit(block) => {
            let elements = [0, 1].map(|port| plan.stream(stage.inputs[port]).format.element);
            Box::new(MultiplyUnit::new(&stage.name, elements, block.lanes, block.bits_out))
        }
        Block::TableUnit(block) => {
            let layer = network.layer(block.layer);
            let LayerKind::Table(table) = &layer.kind else {
                return Err(fault(&layer.name));
            };
            let inputs = [0, 1].map(|port| plan.stream(stage.inputs[port]).format.element);
            let (lanes, channels) = (block.lanes, block.reads[0].channels);
            let (name, values) = (stage.name.as_str(), table.values.as_slice());
            let shape = TableShape { name, inputs, output: output.element, lanes, channels, values };
            Box::new(TableUnit::new(&shape))
        }
        Block::Upsample(block) => {
            let upsample = Upsample::new(&stage.name, &block.shape(), block.word_bits);
            Box::new(upsample.of_kind(stage.memories.words))
        }
    })
}

/// The pool of a stage, `None` where its layer is no pool.
fn pool_unit(plan: &Plan, stage: &Stage, block: &pools::PoolUnit) -> Option<Unit> {
    let LayerKind::Pool(Pool { operation, .. }) = &plan.network.layer(block.layer).kind else {
        return None;
    };
    let input = plan.stream(stage.input());
    let rounds = match block.rounds {
        pools::Rounds::Taps => Rounds::Taps,
        pools::Rounds::Pixels => Rounds::Pixels,
    };
    let least = match operation {
        PoolOperation::Extremum(least) => Some(least.as_slice()),
        PoolOperation::Sum => None,
    };
    Some(Box::new(PoolUnit::new(&PoolShape {
        name: &stage.name,
        input: input.format.element,
        lanes: block.lanes,
        blocks: block.blocks(),
        taps: block.taps,
        rounds,
        least,
        bits_out: block.bits_out,
        padded: input.padded,
    })))
}

/// What units of dot products have in common.
struct DotParts<'a> {
    weights: &'a WeightMatrix,
    function: RowFunction<'a>,
}

fn dot_parts<'a>(plan: &'a Plan, stage: &Stage, unit: &DotUnit) -> Result<DotParts<'a>, DesignError> {
    let network = &plan.network;
    let layer = network.layer(unit.layer);
    let fault = |layer: &Layer| DesignError::Stage { stage: stage.name.clone(), layer: layer.name.clone() };
    let weights = layer.kind.weights().ok_or_else(|| fault(layer))?;
    let function = match unit.thresholds.map(|id| network.layer(id)) {
        None => RowFunction::Accumulator(network.tensor(layer.output).element),
        Some(thresholds) => match &thresholds.kind {
            LayerKind::MultiThreshold(steps) => RowFunction::Steps(steps, network.tensor(thresholds.output)),
            _ => return Err(fault(thresholds)),
        },
    };
    Ok(DotParts { weights, function })
}
