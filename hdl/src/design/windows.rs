//! The sliding window of a layer, and what it delivers for taps outside the image.

use crate::blocks::sliding_window::SlidingWindow;
use crate::wire::Word;
use compiler::blocks::sliding_window as windows;
use compiler::plan::{Plan, Stage};
use network::network::{LayerKind, Pool, PoolOperation};

/// The block of `stage`, `None` where its layer has no windows.
pub fn sliding_window(plan: &Plan, stage: &Stage, block: &windows::SlidingWindow) -> Option<SlidingWindow> {
    let lanes = plan.stream(stage.output()).format.lanes;
    let paddings = paddings(plan, block, lanes)?;
    Some(SlidingWindow::new(&stage.name, &block.shape, block.word_bits, &paddings, block.padded))
}

/// The padding word of each word of a pixel: codes in its used lanes, or their number where words say that they are padding.
fn paddings(plan: &Plan, block: &windows::SlidingWindow, lanes: usize) -> Option<Vec<Word>> {
    let layer = plan.network.layer(block.layer);
    let tensor = plan.network.tensor(layer.input());
    let element = tensor.element;
    let bits = element.bits() as usize;
    // Of the vectors read, of which a pixel has one or one for each group.
    let channels = block.reads.channels;
    let groups = tensor.channels / channels;
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
        if block.padded {
            return Some(Word::new(used.len() as u64, lanes * bits));
        }
        let codes: Option<Vec<u64>> = used.map(|channel| value(channel).map(|value| element.encode(value))).collect();
        Some(Word::from_lanes(codes?.into_iter().chain(std::iter::repeat(0)).take(lanes), bits))
    };
    (0..groups).flat_map(|_| (0..channels).step_by(lanes).map(word)).collect()
}
