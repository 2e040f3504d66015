//! Which layers become units, and whether hardware has each.

use super::PlanError;
use crate::blocks::dot_layer::DotLayer;
use crate::codes::{Ladder, MAX_THRESHOLDS};
use abi::ElementType;
use network::network::{Edges, Layer, LayerId, LayerKind, Network};

/// A layer that hardware computes.
#[derive(Debug)]
pub struct Unit<'a> {
    /// The layer.
    pub layer: LayerId,
    /// Where it has dot products, what hardware must know of them and of the step functions that their unit takes in.
    pub dot: Option<DotLayer<'a>>,
}

/// The units of `network`, producers before consumers, after checking that hardware has each.
pub fn units<'a>(network: &'a Network, edges: &Edges) -> Result<Vec<Unit<'a>>, PlanError> {
    let fused: Vec<Option<LayerId>> = network.layers.iter().map(|layer| fused_into(network, edges, layer)).collect();
    let mut taken_in: Vec<Option<LayerId>> = vec![None; network.layers.len()];
    for (index, into) in fused.iter().enumerate() {
        if let Some(into) = into {
            taken_in[into.0] = Some(LayerId(index));
        }
    }
    let mut units: Vec<Unit> = Vec::new();
    for (index, layer) in network.layers.iter().enumerate() {
        check(network, edges, layer)?;
        if fused[index].is_none() {
            let id = LayerId(index);
            units.push(Unit { layer: id, dot: DotLayer::new(network, id, taken_in[index]) });
        }
    }
    // A relabelling has no hardware.
    if units.iter().all(|unit| matches!(network.layer(unit.layer).kind, LayerKind::Reshape)) {
        return Err(PlanError::NoUnit {
            name: network.name.clone(),
            must: "hold at least one layer for hardware",
            found: "the input map already gives the scores".into(),
            help: "run the model with `xnorforge run`; there is nothing to accelerate",
        });
    }
    Ok(units)
}

/// The dot product that takes in `layer`'s step functions: nothing else reads its sums.
fn fused_into(network: &Network, edges: &Edges, layer: &Layer) -> Option<LayerId> {
    let sums = layer.input();
    let producer = edges.producer(sums)?;
    let fuses = matches!(layer.kind, LayerKind::MultiThreshold(_))
        && network.layer(producer).kind.weights().is_some()
        && edges.readers(sums) == 1;
    fuses.then_some(producer)
}

/// Most bits of an activation that dot products multiply.
const MAX_ACTIVATION_BITS: u32 = 16;
/// Most bits of a weight.
const MAX_WEIGHT_BITS: u32 = 9;

fn check(network: &Network, edges: &Edges, layer: &Layer) -> Result<(), PlanError> {
    let no_unit = |must, found: String, help| Err(PlanError::NoUnit { name: layer.name.clone(), must, found, help });
    let input = network.tensor(layer.input());
    let output = network.tensor(layer.output);
    if edges.readers(layer.output) == 0 {
        return no_unit(
            "be read by another layer or give the output",
            "nothing reads its result".into(),
            "remove the layer from the model: its result would block the pipeline",
        );
    }
    if let Some(weights) = layer.kind.weights() {
        if weights.element != ElementType::Bipolar && weights.element.bits() > MAX_WEIGHT_BITS {
            return no_unit(
                "have weights of at most 9 bits",
                format!("its weights are of type {}", weights.element),
                "quantise the weights to 8 bits or fewer",
            );
        }
        if input.element.bits() > MAX_ACTIVATION_BITS {
            return no_unit(
                "read activations of at most 16 bits",
                format!("they are of type {}", input.element),
                "quantise the activations before this layer to 8 bits or fewer",
            );
        }
    }
    match &layer.kind {
        LayerKind::MultiThreshold(steps) if !Ladder::of(steps, output, network.replaceable).holds(steps) => no_unit(
            "have step functions that go through their values in a common order",
            "one of them falls or turns where others do not".into(),
            "give the channels scales of one sign before the quantiser; with `--writable-weights`, only rising steps",
        ),
        LayerKind::MultiThreshold(steps)
            if Ladder::of(steps, output, network.replaceable).levels() > MAX_THRESHOLDS =>
        {
            no_unit(
                "quantise to at most 256 values",
                format!("it makes {}", output.element),
                "choose a bit width of 8 or less",
            )
        }
        _ => Ok(()),
    }
}
