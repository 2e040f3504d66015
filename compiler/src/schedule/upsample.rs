//! The shapes of an enlargement, and its control: two sliding windows whose taps all lie on one place.

use super::control::{Control, Ports};
use super::sliding_window::{SlidingWindow, SlidingWindowShape};
use network::network::Window;

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

/// Control of an enlargement.
#[derive(Clone, Debug)]
pub struct Upsample {
    pixels: SlidingWindow,
    rows: SlidingWindow,
}

impl Upsample {
    /// The unit, empty.
    pub fn new(shape: &UpsampleShape) -> Self {
        let [pixels, rows] = shape.windows();
        Upsample { pixels: SlidingWindow::new(&pixels), rows: SlidingWindow::new(&rows) }
    }

    fn passes(&self) -> Ports {
        let (valid, ready) = (self.pixels.valid([false; 2]), self.rows.ready([false; 2], [false; 2]));
        [valid[0] && ready[0], false]
    }
}

impl Control for Upsample {
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
