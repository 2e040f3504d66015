//! Sliding windows, and what is computed of each lane's window: depthwise convolutions and pools.

use super::{StageRun, Words, WordsError};
use abi::ElementType;
use network::network::{Convolution, Layer, LayerId, LayerKind, Network, PoolOperation, Window};

impl StageRun<'_> {
    /// The words of each window, tap by tap. A group of a convolution follows the other; pools and depthwise convolutions
    /// get all taps of a word's channels before those of the next word's.
    pub(super) fn sliding_window(&self, layer: LayerId) -> Result<Words, WordsError> {
        let network = &self.plan.network;
        let layer = network.layer(layer);
        let image = network.tensor(layer.input());
        let lanes = self.inputs[0].lanes();
        let Some(window) = layer.kind.window() else { return Ok(Words::empty(lanes)) };
        let by_lane = !matches!(layer.kind, LayerKind::Convolution(_)) || is_depthwise(network, layer);
        let groups = groups_in_turn(network, layer);
        let channels = image.channels / groups;
        let words = channels.div_ceil(lanes);
        let (blocks, words) = if by_lane { (words, 1) } else { (groups, words) };
        // Words are moved and not looked at, but they must be those of the layer's pixels.
        self.reader(0, channels).all(image.vectors() * groups)?;
        let padded = self.plan.stream(self.stage.output()).padded;
        let mut result = Words::empty(lanes);
        let [rows, columns] = window.output(image.height, image.width);
        for position in (0..rows).flat_map(|y| (0..columns).map(move |x| (y, x))) {
            for block in 0..blocks {
                for tap in 0..window.taps() {
                    let pixel = window.pixel(image.height, image.width, position, tap);
                    for word in block * words..(block + 1) * words {
                        match pixel {
                            Some(pixel) => result.push_word(&self.inputs[0], pixel * blocks * words + word),
                            None => {
                                let first = if by_lane { word * lanes } else { (word - block * words) * lanes };
                                let used = first..(first + lanes).min(channels);
                                result.push(used.map(|channel| outside(layer, image.element, channel, padded)));
                            }
                        }
                    }
                }
            }
        }
        Ok(result)
    }

    /// A dot product of each channel's taps with weights of its own, with step functions where there are any.
    pub(super) fn depthwise(&self, layer: LayerId, thresholds: Option<LayerId>) -> Result<Words, WordsError> {
        let layer = self.plan.network.layer(layer);
        let LayerKind::Convolution(Convolution { window, weights, .. }) = &layer.kind else {
            return Ok(Words::empty(self.inputs[0].lanes()));
        };
        let sums = self.by_lane(layer, window, |channel, taps| {
            weights
                .row(channel)
                .iter()
                .zip(taps)
                .map(|(weight, x)| i32::from(*weight).wrapping_mul(*x))
                .fold(0, i32::wrapping_add)
        })?;
        Ok(self.finish(layer, thresholds, sums))
    }

    /// What a pool makes of each channel's taps.
    pub(super) fn pool(&self, layer: LayerId) -> Result<Words, WordsError> {
        let layer = self.plan.network.layer(layer);
        let LayerKind::Pool(pool) = &layer.kind else { return Ok(Words::empty(self.inputs[0].lanes())) };
        let elements = self.by_lane(layer, &pool.window, |channel, taps| {
            let taps = taps.iter().copied();
            match &pool.operation {
                PoolOperation::Sum => taps.sum(),
                PoolOperation::Extremum(least) if least[channel] => taps.min().unwrap_or(0),
                PoolOperation::Extremum(_) => taps.max().unwrap_or(0),
            }
        })?;
        Ok(self.finish(layer, None, elements))
    }

    /// `f` of the taps of each channel in each window, where all taps of a word's channels come before the next word's.
    fn by_lane(
        &self,
        layer: &Layer,
        window: &Window,
        f: impl Fn(usize, &[i32]) -> i32,
    ) -> Result<Vec<i32>, WordsError> {
        let network = &self.plan.network;
        let channels = network.tensor(layer.input()).channels;
        let lanes = self.inputs[0].lanes();
        let mut reader = self.reader(0, channels);
        let mut result = Vec::new();
        let mut words = Vec::with_capacity(window.taps());
        let mut taps = vec![0; window.taps()];
        for _ in 0..network.tensor(layer.output).vectors() {
            for first in (0..channels).step_by(lanes) {
                let used = lanes.min(channels - first);
                words.clear();
                for _ in 0..window.taps() {
                    words.push(reader.word(used)?);
                }
                for lane in 0..used {
                    taps.iter_mut().zip(&words).for_each(|(tap, word)| *tap = word[lane]);
                    result.push(f(first + lane, &taps));
                }
            }
        }
        reader.end()?;
        Ok(result)
    }
}

/// Groups of channels whose words come one after the other; those of a depthwise convolution lie side by side.
pub(super) fn groups_in_turn(network: &Network, layer: &Layer) -> usize {
    match &layer.kind {
        LayerKind::Convolution(convolution) if !is_depthwise(network, layer) => convolution.groups,
        _ => 1,
    }
}

/// Whether each channel is a group with one output.
pub(super) fn is_depthwise(network: &Network, layer: &Layer) -> bool {
    let channels = [layer.input(), layer.output].map(|tensor| network.tensor(tensor).channels);
    matches!(&layer.kind, LayerKind::Convolution(convolution) if channels == [convolution.groups; 2])
}

/// What a window holds for a channel outside the image. A word that says so itself counts as nothing.
fn outside(layer: &Layer, element: ElementType, channel: usize, padded: bool) -> i32 {
    if padded {
        return 0;
    }
    let value = match &layer.kind {
        LayerKind::Convolution(convolution) => i64::from(convolution.padding),
        LayerKind::Pool(pool) => match &pool.operation {
            PoolOperation::Sum => 0,
            PoolOperation::Extremum(least) if least[channel] => element.maximum(),
            PoolOperation::Extremum(_) => element.minimum(),
        },
        LayerKind::MatrixVector(_)
        | LayerKind::MultiThreshold(_)
        | LayerKind::Add(_)
        | LayerKind::Multiply
        | LayerKind::Table(_)
        | LayerKind::Concat
        | LayerKind::Upsample { .. }
        | LayerKind::Reshape
        | LayerKind::ArgMax => 0,
    };
    element.decode(element.encode(value)) as i32
}
