//! The sliding window: the windows of a layer, tap by tap, out of a line buffer.

use super::control::{Control, Ports};
use super::credits::Credits;
use super::{Shape, Vectors};
use crate::chip::family::Family;
use crate::chip::features::{FeatureSum, Features, address, bits};
use crate::chip::memory::{Memories, MemoryRole, MemoryShape};
use crate::chip::number::bits_for;
use network::network::{LayerId, Window};
use serde::{Deserialize, Serialize};

/// Places of the output queue: covers the words on their way from the line buffer.
pub const QUEUE: usize = 4;
/// Cycles from a tap's word being read to its being offered.
pub const LATENCY: u64 = 3;

/// Words that could come in between a window's beginning and the cycle in which the room that it made is seen.
pub const SLACK: usize = 4;

/// What a sliding window does. A pixel is `blocks` times `words` words in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlidingWindowShape {
    /// Rows of the image.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Where the windows lie.
    pub window: Window,
    /// Blocks of channels: the taps of a window leave block by block.
    pub blocks: usize,
    /// Words of a block of one pixel.
    pub words: usize,
    /// Words that the line buffer holds, a power of two of at least [`least_depth`](Self::least_depth).
    pub depth: usize,
}

impl SlidingWindowShape {
    /// Words of a pixel.
    pub fn pixel_words(&self) -> usize {
        self.blocks * self.words
    }

    /// Words of a row of the image.
    pub fn row_words(&self) -> usize {
        self.width * self.pixel_words()
    }

    /// Words of an image.
    pub fn words_in(&self) -> usize {
        self.height * self.row_words()
    }

    /// Words of a block, columns and rows of the kernel, blocks of a pixel, columns and rows of windows: how far each part
    /// of a tap's number counts, the fastest first.
    pub fn counts(&self) -> [usize; 6] {
        let [rows, columns] = self.window.output(self.height, self.width);
        let [kernel_rows, kernel_columns] = self.window.kernel;
        [self.words, kernel_columns, kernel_rows, self.blocks, columns, rows]
    }

    /// Bits of a word's number with which any two that meet can be told apart by the sign of their difference: at most an
    /// image, what windows reach beyond it, and what the line buffer holds.
    pub fn number_bits(&self) -> usize {
        let beyond = (self.window.before[0] + self.window.span()[0]) * self.row_words();
        bits_for((self.words_in() + beyond + self.depth) as u64) + 1
    }

    /// Words that leave for an image.
    pub fn words_out(&self) -> usize {
        let [rows, columns] = self.window.output(self.height, self.width);
        rows * columns * self.window.taps() * self.pixel_words()
    }

    /// Clock cycles of an image when source and sink never wait.
    pub fn cycles(&self) -> usize {
        self.words_in().max(self.words_out())
    }

    /// Words from the oldest one that a window still needs to its last one, with the one place that waits for room: with
    /// fewer the unit would wait for itself. And [`SLACK`] more, so that it does not wait for the room that it has made.
    pub fn least_depth(&self) -> usize {
        let (pixel, row) = (self.pixel_words(), self.row_words());
        let span = self.window.span();
        let left = self.window.before[1] * pixel;
        // A window left of the image waits for the image's first word.
        let across_windows = ((span[0] - 1) * row + span[1] * pixel).max(left + 1);
        (across_windows.min(self.words_in() + left) + 1 + SLACK).next_power_of_two()
    }

    /// Words so that rows can come in while others are read: those of a row of windows, and as many again, which is what
    /// two images share where one ends and the next begins; and what comes in until room that was made is used.
    pub fn good_depth(&self) -> usize {
        let span = self.window.span()[0].min(self.height);
        ((span + span.max(self.window.stride[0])) * self.row_words() + 2 * SLACK)
            .next_power_of_two()
            .max(self.least_depth())
    }
}

/// The windows of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlidingWindow {
    /// The `Convolution` or `Pool` layer.
    pub layer: LayerId,
    /// The vectors read: pixels, or the groups of each, where they leave one after the other.
    pub reads: Vectors,
    /// What it does.
    pub shape: SlidingWindowShape,
    /// Bits of a word's elements.
    pub word_bits: usize,
    /// Whether words leave with a flag that says whether they lie outside the image.
    pub padded: bool,
}

impl Shape for SlidingWindow {
    fn reads(&self) -> Vec<Vectors> {
        vec![self.reads]
    }

    fn busy(&self) -> u64 {
        self.shape.cycles() as u64
    }

    fn memories(&self) -> Vec<MemoryShape> {
        vec![MemoryShape { role: MemoryRole::Words, width: self.word_bits, depth: self.shape.depth }]
    }

    fn control(&self) -> Box<dyn Control> {
        Box::new(SlidingWindowControl::new(&self.shape))
    }

    fn features(&self, family: Family, memories: &Memories) -> Features {
        let mut sum = FeatureSum::new("sliding_window", family);
        self.shape.add_features(&mut sum, self.word_bits, self.padded);
        sum.memory(MemoryRole::Words, memories.words, self.word_bits, self.shape.depth);
        sum.done()
    }
}

impl SlidingWindowShape {
    /// Adds what the logic around its line buffer costs, for words of `width` bits.
    pub(super) fn add_features(&self, sum: &mut FeatureSum, width: usize, padded: bool) {
        let SlidingWindowShape { height, width: columns, window, .. } = *self;
        let (span, count_bits) = (window.span(), self.number_bits() as f64);
        let active: Vec<usize> = self.counts().into_iter().filter(|count| *count > 1).collect();
        sum.both("count_bits", count_bits).lut("count_steps", count_bits * active.len() as f64);
        sum.both("counter_bits", active.iter().map(|count| address(*count)).sum());
        sum.both("counters", active.len() as f64);
        let is_padded = f64::from(u8::from(!window.is_unpadded()));
        let coordinates = bits(height + span[0]) + bits(columns + span[1]);
        sum.both("padded_coordinates", is_padded * coordinates).lut("padded_word", is_padded * width as f64);
        let place = address(self.pixel_words());
        sum.both("place", if self.pixel_words() > 1 { place } else { 0.0 });
        let flagged = width + usize::from(padded);
        sum.both("word", flagged as f64).queue(flagged, QUEUE);
    }
}

/// A word to be read, or a padded one. Words are counted over all images.
#[derive(Clone, Copy, Debug)]
struct Request {
    /// The word, or, for a padded one, the first word of the image: no image begins to leave before it comes in.
    index: i64,
    /// The last word that may be written from now on, where that changes.
    limit: Option<i64>,
}

/// The taps in the order in which they leave.
#[derive(Clone, Debug)]
struct Requests {
    shape: SlidingWindowShape,
    rows: usize,
    columns: usize,
    /// The first word of the image.
    start: i64,
    y: usize,
    x: usize,
    block: usize,
    ky: usize,
    kx: usize,
    word: usize,
}

impl Requests {
    fn next(&mut self) -> Request {
        let SlidingWindowShape { height, width, window, words, depth, .. } = self.shape;
        let row = (self.y * window.stride[0] + self.ky * window.dilation[0]) as i64 - window.before[0] as i64;
        let column = (self.x * window.stride[1] + self.kx * window.dilation[1]) as i64 - window.before[1] as i64;
        let (row_words, pixel_words) = (self.shape.row_words() as i64, self.shape.pixel_words() as i64);
        let place = (self.block * words + self.word) as i64;
        let index = self.start + row * row_words + column * pixel_words + place;
        let padded = !(0..height as i64).contains(&row) || !(0..width as i64).contains(&column);
        let begins = [self.word, self.kx, self.ky, self.block] == [0; 4];
        let limit = (begins && row < height as i64 && column < width as i64)
            .then(|| if row < 0 { self.start } else { index } + depth as i64 - 1);
        let request = Request { index: if padded { self.start } else { index }, limit };
        let counters = [
            (&mut self.word, words),
            (&mut self.kx, window.kernel[1]),
            (&mut self.ky, window.kernel[0]),
            (&mut self.block, self.shape.blocks),
            (&mut self.x, self.columns),
            (&mut self.y, self.rows),
        ];
        for (counter, count) in counters {
            *counter += 1;
            if *counter < count {
                return request;
            }
            *counter = 0;
        }
        self.start += self.shape.words_in() as i64;
        request
    }
}

/// Control of a sliding window.
#[derive(Clone, Debug)]
pub struct SlidingWindowControl {
    requests: Requests,
    started: bool,
    /// The request behind the one that may be read.
    second: Option<Request>,
    /// The request that may be read, and whether its word is there.
    first: Option<Request>,
    ready: bool,
    /// Words taken.
    written: i64,
    /// The last word that may be written.
    limit: i64,
    room: bool,
    results: Credits,
}

impl SlidingWindowControl {
    /// The unit, empty.
    pub fn new(shape: &SlidingWindowShape) -> Self {
        let [rows, columns] = shape.window.output(shape.height, shape.width);
        SlidingWindowControl {
            requests: Requests { shape: *shape, rows, columns, start: 0, y: 0, x: 0, block: 0, ky: 0, kx: 0, word: 0 },
            started: false,
            second: None,
            first: None,
            ready: false,
            written: 0,
            limit: shape.depth as i64 - 1,
            room: false,
            results: Credits::new(QUEUE, LATENCY),
        }
    }

    fn reads(&self) -> bool {
        self.first.is_some() && self.ready && self.results.has_room()
    }

    fn is_there(&self, request: Option<Request>) -> bool {
        request.is_some_and(|request| request.index < self.written)
    }

    fn has_room(&self) -> bool {
        self.started && self.written < self.limit
    }
}

impl Control for SlidingWindowControl {
    fn valid(&self, _: Ports) -> Ports {
        [self.results.offers(), false]
    }

    fn ready(&self, _: Ports, _: Ports) -> Ports {
        [self.room, false]
    }

    fn tick(&mut self, taken: Ports, given: Ports) {
        let reads = self.reads();
        let loads = reads || self.first.is_none();
        self.ready = self.is_there(if loads { self.second } else { self.first });
        self.room = self.has_room();
        if loads {
            self.limit = self.second.and_then(|request| request.limit).unwrap_or(self.limit);
            self.first = self.second;
            self.second = self.started.then(|| self.requests.next());
        }
        if reads {
            self.results.issue();
        }
        self.started = true;
        self.written += i64::from(taken[0]);
        self.results.tick(given[0]);
    }

    fn quiet(&self) -> u64 {
        let changes = self.first.is_none()
            || self.reads()
            || self.ready != self.is_there(self.first)
            || self.room != self.has_room();
        if changes { 0 } else { self.results.quiet(u64::MAX) }
    }

    fn advance(&mut self, cycles: u64) {
        self.results.advance(cycles);
    }
}
