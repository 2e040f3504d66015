//! The sliding window of a layer, and what it delivers for taps outside the image.

use crate::blocks::sliding_window::SlidingWindow;
use crate::wire::Word;
use compiler::plan::{Plan, Stage};
use compiler::schedule::sliding_window::SlidingWindowShape;
use compiler::schedule::window_shape;
use network::network::{Layer, LayerKind, Pool, PoolOperation};

/// The block of `stage`, `None` where its layer has no windows.
pub fn sliding_window(plan: &Plan, stage: &Stage, layer: &Layer, capacity: usize) -> Option<SlidingWindow> {
    let output = plan.stream(stage.output());
    let shape = window_shape(&plan.network, layer, output.format.lanes, capacity)?;
    let paddings = paddings(plan, layer, &shape, output.format.lanes, output.padded)?;
    Some(SlidingWindow::new(&stage.name, &shape, output.format.word_bits(), &paddings, output.padded))
}

/// The padding word of each word of a pixel: codes in its used lanes, or their number where words are `flagged`.
fn paddings(plan: &Plan, layer: &Layer, shape: &SlidingWindowShape, lanes: usize, flagged: bool) -> Option<Vec<Word>> {
    let tensor = plan.network.tensor(layer.input());
    let element = tensor.element;
    let bits = element.bits() as usize;
    // Blocks of one word cut all channels; blocks of groups cut those of each group.
    let groups = match &layer.kind {
        LayerKind::Convolution(convolution) if shape.blocks == convolution.groups => convolution.groups,
        _ => 1,
    };
    let channels = tensor.channels / groups;
    let value = |channel: usize| match &layer.kind {
        LayerKind::Convolution(convolution) => Some(i64::from(convolution.padding)),
        LayerKind::Pool(Pool { operation: PoolOperation::Sum, .. }) => Some(0),
        LayerKind::Pool(Pool { operation: PoolOperation::Extremum(least), .. }) => {
            Some(if least[channel] { element.maximum() } else { element.minimum() })
        }
        _ => None,
    };
    let word = |first: usize| {
        let used = first..(first + lanes).min(channels);
        if flagged {
            return Some(Word::new(used.len() as u64, lanes * bits));
        }
        let codes: Option<Vec<u64>> = used.map(|channel| value(channel).map(|value| element.encode(value))).collect();
        Some(Word::from_lanes(codes?.into_iter().chain(std::iter::repeat(0)).take(lanes), bits))
    };
    (0..groups).flat_map(|_| (0..channels).step_by(lanes).map(word)).collect()
}
