//! `Plan` → `Design`: the plan's stages as rust-hdl blocks.

pub mod pipeline;

use crate::blocks::arg_max::ArgMax;
use crate::blocks::matrix_vector_unit::{MatrixVectorShape, MatrixVectorUnit, RowFunction};
use crate::blocks::multi_threshold::MultiThreshold;
use crate::blocks::width_converter::WidthConverter;
use crate::emit::EmitError;
use abi::ElementType;
use compiler::datapath::Datapath;
use compiler::plan::{Plan, Stage, StageKind};
use miette::Diagnostic;
use network::network::LayerKind;
pub use pipeline::{Pipeline, Unit};
use thiserror::Error;

/// A plan as hardware.
#[derive(Debug)]
pub struct Design {
    /// Name of the top module.
    pub top: String,
    /// The core.
    pub pipeline: Pipeline,
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
    let stages = plan
        .stages
        .iter()
        .map(|stage| Ok((stage.name.clone(), unit(plan, stage)?)))
        .collect::<Result<Vec<(String, Unit)>, DesignError>>()?;
    let (input, output) = (plan.input_format().word_bits(), plan.output_format().word_bits());
    Ok(Design { pipeline: Pipeline::new(&top, input, output, stages), top })
}

fn unit(plan: &Plan, stage: &Stage) -> Result<Unit, DesignError> {
    let network = &plan.network;
    let fault = |layer: &str| DesignError::Stage { stage: stage.name.clone(), layer: layer.to_owned() };
    Ok(match &stage.kind {
        StageKind::WidthConverter => {
            let bits = stage.input.element.bits() as usize;
            Unit::WidthConverter(Box::new(WidthConverter::new(
                stage.input.channels,
                bits,
                stage.input.lanes,
                stage.output.lanes,
            )))
        }
        StageKind::MatrixVectorUnit { layer, thresholds, pe, simd } => {
            let layer = network.layer(*layer);
            let LayerKind::MatrixVector(weights) = &layer.kind else {
                return Err(fault(&layer.name));
            };
            let function = match thresholds.map(|id| network.layer(id)) {
                None => RowFunction::Accumulator(network.tensor(layer.output).element),
                Some(thresholds) => match &thresholds.kind {
                    LayerKind::MultiThreshold(steps) => RowFunction::Steps(steps, network.tensor(thresholds.output)),
                    _ => return Err(fault(&thresholds.name)),
                },
            };
            let shape = MatrixVectorShape {
                name: &stage.name,
                weights,
                input: stage.input.element,
                function,
                groups: 1,
                taps: 1,
                padded: false,
                datapath: Datapath::Bipolar,
                pe: *pe,
                simd: *simd,
            };
            Unit::MatrixVectorUnit(Box::new(MatrixVectorUnit::new(&shape)))
        }
        StageKind::MultiThreshold { layer } => {
            let layer = network.layer(*layer);
            let LayerKind::MultiThreshold(steps) = &layer.kind else {
                return Err(fault(&layer.name));
            };
            let (input, output) = (network.tensor(layer.input()), network.tensor(layer.output));
            Unit::MultiThreshold(Box::new(MultiThreshold::new(&stage.name, steps, input, output, stage.input.lanes)))
        }
        StageKind::ArgMax { .. } => {
            let element = stage.input.element;
            let signed = matches!(element, ElementType::Signed { .. });
            let (channels, index) = (stage.input.channels, stage.output.element.bits() as usize);
            Unit::ArgMax(Box::new(ArgMax::new(channels, element.bits() as usize, signed, stage.input.lanes, index)))
        }
    })
}
