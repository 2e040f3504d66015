//! Runs a [`Plan`] for its values: what the words on each stream hold for one image, without a clock.
//!
//! The counterpart of [`schedule`](crate::schedule), which has the cycles and no values. Stages move words as the streams cut
//! them, with the counts that the plan holds; what they compute of the elements is the network's definition. How many
//! lanes of a word are used is known from the words alone, as their writer filled them; how many a reader expects, from
//! its layer. So a plan in which the two disagree ends in an error or in other values than the network's, and [`check`]
//! notices before anything is written.

mod check;
mod lanes;
mod windows;
mod words;

pub use check::{Check, Difference, Drawn, check, check_stages, images_of};
pub use words::{Words, WordsError};

use crate::blocks::Block;
use crate::blocks::add_unit::AddUnit;
use crate::blocks::arg_max::ArgMax;
use crate::blocks::concat::Concat;
use crate::blocks::multi_threshold::MultiThreshold;
use crate::blocks::multiply_unit::MultiplyUnit;
use crate::blocks::pool_unit::PoolUnit;
use crate::blocks::table_unit::TableUnit;
use crate::blocks::upsample::Upsample;
use crate::plan::{Plan, Stage, StreamId};
use check::Sample;
use network::network::LayerKind;
use std::rc::Rc;
use words::Reader;

/// Shows `visit` the words on each stream of `plan` for the image whose elements, in stream order, are `input`, and gives
/// those of its output. Words are kept until they have been read.
///
/// # Errors
/// Where a stage does not find its vectors in its words.
pub fn run(plan: &Plan, input: &[i32], visit: impl FnMut(StreamId, &Words)) -> Result<Rc<Words>, WordsError> {
    run_sampled(plan, input, None, visit)
}

/// As [`run`], but computes only the dot products of some pixels, where there is a sample, and takes the others from it.
fn run_sampled(
    plan: &Plan,
    input: &[i32],
    sample: Option<&Sample>,
    mut visit: impl FnMut(StreamId, &Words),
) -> Result<Rc<Words>, WordsError> {
    let mut streams: Vec<Rc<Words>> = vec![Rc::default(); plan.streams.len()];
    let format = plan.input_format();
    streams[0] = Rc::new(Words::write(input, format.channels, format.lanes, format.element));
    visit(StreamId(0), &streams[0]);
    for stage in &plan.stages {
        // Each stream has one reader.
        let inputs: Vec<Rc<Words>> = stage.inputs.iter().map(|id| std::mem::take(&mut streams[id.0])).collect();
        let output = StageRun { plan, stage, inputs, sample }.output()?;
        for id in &stage.outputs {
            visit(*id, &output);
            streams[id.0] = output.clone();
        }
    }
    Ok(std::mem::take(&mut streams[plan.output().0]))
}

/// One stage with the words of one image at its inputs.
struct StageRun<'a> {
    plan: &'a Plan,
    stage: &'a Stage,
    inputs: Vec<Rc<Words>>,
    sample: Option<&'a Sample>,
}

impl StageRun<'_> {
    /// The words that the stage writes to each of its outputs.
    fn output(&self) -> Result<Rc<Words>, WordsError> {
        let network = &self.plan.network;
        let words = match &self.stage.block {
            Block::Fork(_) | Block::StreamFifo(_) => return Ok(self.inputs[0].clone()),
            Block::WidthConverter(_) => {
                let channels = self.plan.stream(self.stage.output()).format.channels;
                let vectors = self.plan.stream(self.stage.output()).format.vectors;
                let elements = self.reader(0, channels).all(vectors)?;
                Ok(self.write(&elements, channels))
            }
            Block::Concat(concat) => self.concat(concat),
            Block::Upsample(enlargement) => self.upsample(enlargement),
            Block::SlidingWindow(windows) => self.sliding_window(windows.layer),
            Block::MatrixVectorUnit(unit) => self.dot_products(unit.layer, unit.thresholds),
            Block::DepthwiseUnit(unit) => self.depthwise(unit.layer, unit.thresholds),
            Block::PoolUnit(pool) => self.pool(pool.layer),
            Block::GlobalPool(PoolUnit { layer, .. })
            | Block::MultiThreshold(MultiThreshold { layer, .. })
            | Block::AddUnit(AddUnit { layer, .. })
            | Block::MultiplyUnit(MultiplyUnit { layer, .. })
            | Block::TableUnit(TableUnit { layer, .. })
            | Block::ArgMax(ArgMax { layer, .. }) => {
                let layer = network.layer(*layer);
                let mut inputs = Vec::with_capacity(layer.inputs.len());
                for (port, tensor) in layer.inputs.iter().enumerate() {
                    let shape = network.tensor(*tensor);
                    inputs.push((shape, self.reader(port, shape.channels).all(shape.vectors())?));
                }
                let inputs: Vec<_> = inputs.iter().map(|(shape, elements)| (*shape, elements.as_slice())).collect();
                let elements = network::integer::evaluate(&layer.kind, &inputs);
                Ok(self.write(&elements, network.tensor(layer.output).channels))
            }
        };
        Ok(Rc::new(words?))
    }

    /// Vectors of `channels` elements from the words at input `port`; single words where vectors do not matter.
    fn reader(&self, port: usize, channels: usize) -> Reader<'_> {
        Reader::new(&self.stage.name, &self.inputs[port], channels)
    }

    /// Elements as the output's words, each vector in words of its own.
    fn write(&self, elements: &[i32], channels: usize) -> Words {
        let format = &self.plan.stream(self.stage.output()).format;
        Words::write(elements, channels, format.lanes, format.element)
    }

    /// Moves the words of a vector of the first stream, then those of a vector of the second.
    fn concat(&self, concat: &Concat) -> Result<Words, WordsError> {
        let counts = concat.words();
        let [mut first, mut second] = [0, 1].map(|port| self.reader(port, 0));
        let mut result = Words::empty(self.inputs[0].lanes());
        for _ in 0..concat.reads[0].vectors {
            for (reader, count) in [&mut first, &mut second].into_iter().zip(counts) {
                for _ in 0..count {
                    result.push(reader.any_word()?.iter().copied());
                }
            }
        }
        first.end()?;
        second.end()?;
        Ok(result)
    }

    /// Repeats the words of each pixel, and those of each row.
    fn upsample(&self, enlargement: &Upsample) -> Result<Words, WordsError> {
        let layer = self.plan.network.layer(enlargement.layer);
        let mut result = Words::empty(self.inputs[0].lanes());
        let LayerKind::Upsample { vertical, horizontal } = layer.kind else { return Ok(result) };
        let image = self.plan.network.tensor(layer.input());
        let count = enlargement.shape().words;
        let mut reader = self.reader(0, 0);
        for _ in 0..image.height {
            let mut row = Words::empty(result.lanes());
            for _ in 0..image.width {
                let pixel = (0..count).map(|_| reader.any_word()).collect::<Result<Vec<_>, _>>()?;
                for word in (0..horizontal).flat_map(|_| &pixel) {
                    row.push(word.iter().copied());
                }
            }
            for word in (0..vertical).flat_map(|_| 0..row.len()) {
                result.push_word(&row, word);
            }
        }
        reader.end()?;
        Ok(result)
    }
}
