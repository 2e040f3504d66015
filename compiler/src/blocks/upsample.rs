//! The enlargement: two sliding windows whose taps all lie on one place.

use super::control::{Control, Ports};
use super::sliding_window::{SlidingWindowControl, SlidingWindowShape};
use super::{Shape, Vectors};
use crate::chip::family::Family;
use crate::chip::features::{FeatureSum, Features};
use crate::chip::memory::{Memories, MemoryRole, MemoryShape};
use network::network::{LayerId, Window};
use serde::{Deserialize, Serialize};

/// An enlargement: `words` words a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpsampleShape {
    /// Rows in.
    pub height: usize,
    /// Pixels of a row in.
    pub width: usize,
    /// Words of a pixel.
    pub words: usize,
    /// How often each row leaves.
    pub vertical: usize,
    /// How often each pixel of a row leaves.
    pub horizontal: usize,
}

impl UpsampleShape {
    /// The windows that repeat pixels, and those that repeat the rows made of them, as pixels of one column.
    pub fn windows(&self) -> [SlidingWindowShape; 2] {
        let repeat = |height: usize, width: usize, words: usize, times: usize| {
            let (stride, dilation) = ([1, 1], [1, 0]);
            let window = Window { kernel: [1, times], stride, dilation, before: [0, 0], after: [0, 0] };
            let shape = SlidingWindowShape { height, width, window, blocks: 1, words, depth: 0 };
            SlidingWindowShape { depth: shape.good_depth(), ..shape }
        };
        [
            // Pixels need no row of their own: each is a row of one.
            repeat(self.height * self.width, 1, self.words, self.horizontal),
            repeat(self.height, 1, self.width * self.horizontal * self.words, self.vertical),
        ]
    }

    /// Clock cycles of an image when source and sink never wait.
    pub fn cycles(&self) -> usize {
        self.height * self.vertical * self.width * self.horizontal * self.words
    }
}

/// The enlargement of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upsample {
    /// The `Upsample` layer.
    pub layer: LayerId,
    /// Rows and pixels of a row in.
    pub image: [usize; 2],
    /// How often each row and each pixel of a row leaves.
    pub times: [usize; 2],
    /// Channels of a pixel.
    pub channels: usize,
    /// Elements of a word.
    pub lanes: usize,
    /// Bits of a word.
    pub word_bits: usize,
}

impl Upsample {
    /// What it does.
    pub fn shape(&self) -> UpsampleShape {
        let ([height, width], [vertical, horizontal]) = (self.image, self.times);
        UpsampleShape { height, width, words: self.channels.div_ceil(self.lanes), vertical, horizontal }
    }
}

impl Shape for Upsample {
    fn reads(&self) -> Vec<Vectors> {
        vec![Vectors { vectors: self.image[0] * self.image[1], channels: self.channels }]
    }

    fn memories(&self) -> Vec<MemoryShape> {
        let depths = self.shape().windows().map(|window| window.depth);
        depths.map(|depth| MemoryShape { role: MemoryRole::Words, width: self.word_bits, depth }).to_vec()
    }

    fn control(&self) -> Box<dyn Control> {
        Box::new(UpsampleControl::new(&self.shape()))
    }

    fn features(&self, family: Family, memories: &Memories) -> Features {
        let mut sum = FeatureSum::new("upsample", family);
        for window in self.shape().windows() {
            window.add_features(&mut sum, self.word_bits, false);
            sum.memory(MemoryRole::Words, memories.words, self.word_bits, window.depth);
        }
        sum.done()
    }
}

/// Control of an enlargement.
#[derive(Clone, Debug)]
pub struct UpsampleControl {
    pixels: SlidingWindowControl,
    rows: SlidingWindowControl,
}

impl UpsampleControl {
    /// The unit, empty.
    pub fn new(shape: &UpsampleShape) -> Self {
        let [pixels, rows] = shape.windows();
        UpsampleControl { pixels: SlidingWindowControl::new(&pixels), rows: SlidingWindowControl::new(&rows) }
    }

    fn passes(&self) -> Ports {
        let (valid, ready) = (self.pixels.valid([false; 2]), self.rows.ready([false; 2], [false; 2]));
        [valid[0] && ready[0], false]
    }
}

impl Control for UpsampleControl {
    fn valid(&self, _: Ports) -> Ports {
        self.rows.valid([false; 2])
    }

    fn ready(&self, _: Ports, _: Ports) -> Ports {
        self.pixels.ready([false; 2], [false; 2])
    }

    fn tick(&mut self, taken: Ports, given: Ports) {
        let passes = self.passes();
        self.pixels.tick(taken, passes);
        self.rows.tick(passes, given);
    }

    fn quiet(&self) -> u64 {
        if self.passes()[0] { 0 } else { self.pixels.quiet().min(self.rows.quiet()) }
    }

    fn advance(&mut self, cycles: u64) {
        self.pixels.advance(cycles);
        self.rows.advance(cycles);
    }
}
