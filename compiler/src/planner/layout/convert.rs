//! Streams in words of another number of lanes.

use super::Layout;
use crate::blocks::width_converter::WidthConverter;
use crate::blocks::{Block, Vectors};
use crate::chip::number::greatest_common_divisor;
use crate::plan::StreamId;
use abi::packing::StreamFormat;

/// The first choice that takes at most `interval` cycles, else the fastest, of several the first.
pub fn first_within(interval: u64, choices: impl Iterator<Item = (usize, u64)>) -> Option<usize> {
    let mut best: Option<(usize, u64)> = None;
    for (choice, cycles) in choices {
        if cycles <= interval {
            return Some(choice);
        }
        if best.is_none_or(|(_, fastest)| cycles < fastest) {
            best = Some((choice, cycles));
        }
    }
    best.map(|(choice, _)| choice)
}

/// The divisors of a number, ascending.
pub fn divisors(number: usize) -> impl DoubleEndedIterator<Item = usize> {
    let small = (1..).take_while(move |d| d * d <= number).filter(move |d| number.is_multiple_of(*d));
    let mut all: Vec<usize> = small.flat_map(|d| [d, number / d]).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter()
}

impl Layout<'_> {
    /// The elements of `stream` as vectors of `shape`, `lanes` a word.
    pub fn convert(&mut self, stream: StreamId, shape: Vectors, lanes: usize) -> StreamId {
        let stream = self.cut(stream, shape, Some(lanes));
        if self.lanes(stream) == lanes { stream } else { self.converter(stream, shape, lanes) }
    }

    /// The elements of `stream` as vectors of `shape`. Words are cut alike under both shapes where their lanes divide
    /// both lengths; else a converter makes it so, to the `wanted` lanes if they do.
    pub fn cut(&mut self, stream: StreamId, shape: Vectors, wanted: Option<usize>) -> StreamId {
        let format = self.streams[stream.0].format;
        if shape.fit(&format) {
            return stream;
        }
        let common = greatest_common_divisor(format.channels, shape.channels);
        let now = Vectors::of_format(&format);
        let easy = greatest_common_divisor(format.lanes, common);
        let wanted = wanted.filter(|lanes| common.is_multiple_of(*lanes));
        let choices = wanted.into_iter().chain([easy]).chain(divisors(common));
        let timed = choices.map(|lanes| (lanes, WidthConverter::cycles(now, format.lanes, lanes)));
        let lanes = first_within(self.interval, timed).unwrap_or(easy);
        self.converter(stream, now, lanes)
    }

    fn converter(&mut self, stream: StreamId, shape: Vectors, lanes: usize) -> StreamId {
        let before = &self.streams[stream.0];
        let (from, tensor) = (before.format, before.tensor);
        let element_bits = from.element.bits() as usize;
        let converter = WidthConverter { reads: shape, element_bits, from: from.lanes, to: lanes };
        let Vectors { vectors, channels } = shape;
        let format = StreamFormat { lanes, vectors, channels, ..from };
        self.stage("width_converter", Block::WidthConverter(converter), vec![stream], format, tensor)
    }
}
