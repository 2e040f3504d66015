//! The shape of a sliding window, and its control: when words are taken into the line buffer and when each tap leaves.

use super::control::{Control, Ports};
use super::credits::Credits;
use network::network::Window;

/// Places of the output queue: covers the words on their way from the line buffer.
pub const QUEUE: usize = 4;
/// Cycles from a tap's word being asked for to its being offered.
pub const LATENCY: u64 = 2;

/// What a sliding window does. A pixel is `blocks` times `words` words in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    /// Words that leave for an image.
    pub fn words_out(&self) -> usize {
        let [rows, columns] = self.window.output(self.height, self.width);
        rows * columns * self.window.taps() * self.pixel_words()
    }

    /// Clock cycles of an image when source and sink never wait.
    pub fn cycles(&self) -> usize {
        self.words_in().max(self.words_out())
    }

    /// Words of the rows that one row of windows spans: with fewer the unit would wait for itself.
    pub fn least_depth(&self) -> usize {
        (self.window.span()[0].min(self.height) * self.row_words()).next_power_of_two().max(2)
    }

    /// Words so that rows can come in while others are read: those of a row of windows, and as many again, which is what
    /// two images share where one ends and the next begins.
    pub fn good_depth(&self) -> usize {
        let span = self.window.span()[0].min(self.height);
        ((span + span.max(self.window.stride[0])) * self.row_words()).next_power_of_two().max(2)
    }
}

/// A word to be read, or a padded one.
#[derive(Clone, Copy, Debug)]
struct Request {
    /// Place in the line buffer, counted from the oldest word kept.
    offset: i64,
    padded: bool,
    /// Words that nothing needs any more once this one is read.
    free: i64,
}

/// The taps in the order in which they leave.
#[derive(Clone, Debug)]
struct Requests {
    shape: SlidingWindowShape,
    rows: usize,
    columns: usize,
    y: usize,
    x: usize,
    block: usize,
    ky: usize,
    kx: usize,
    word: usize,
}

impl Requests {
    /// The first row of the image that the windows from row `y` on need; the number of rows where they need none.
    fn first_row(&self, y: usize) -> i64 {
        let SlidingWindowShape { height, window, .. } = self.shape;
        if y == self.rows {
            height as i64
        } else {
            (y * window.stride[0]).saturating_sub(window.before[0]).min(height) as i64
        }
    }

    fn next(&mut self) -> Request {
        let SlidingWindowShape { height, width, window, words, .. } = self.shape;
        let row = (self.y * window.stride[0] + self.ky * window.dilation[0]) as i64 - window.before[0] as i64;
        let column = (self.x * window.stride[1] + self.kx * window.dilation[1]) as i64 - window.before[1] as i64;
        let padded = !(0..height as i64).contains(&row) || !(0..width as i64).contains(&column);
        let first = self.first_row(self.y);
        let (row_words, pixel_words) = (self.shape.row_words() as i64, self.shape.pixel_words() as i64);
        let offset = (row - first) * row_words + column * pixel_words + (self.block * words + self.word) as i64;
        let mut free = 0;
        let counters = [
            (&mut self.word, words),
            (&mut self.kx, window.kernel[1]),
            (&mut self.ky, window.kernel[0]),
            (&mut self.block, self.shape.blocks),
            (&mut self.x, self.columns),
        ];
        let mut carries = true;
        for (counter, count) in counters {
            *counter += 1;
            carries = *counter == count;
            if !carries {
                break;
            }
            *counter = 0;
        }
        if carries {
            free = (self.first_row(self.y + 1) - first) * row_words;
            self.y = (self.y + 1) % self.rows;
        }
        Request { offset, padded, free }
    }
}

/// Control of a sliding window.
#[derive(Clone, Debug)]
pub struct SlidingWindow {
    requests: Requests,
    request: Option<Request>,
    /// Words in the line buffer; negative where words to come are not needed.
    kept: i64,
    results: Credits,
}

impl SlidingWindow {
    /// The unit, empty.
    pub fn new(shape: &SlidingWindowShape) -> Self {
        let [rows, columns] = shape.window.output(shape.height, shape.width);
        let requests = Requests { shape: *shape, rows, columns, y: 0, x: 0, block: 0, ky: 0, kx: 0, word: 0 };
        SlidingWindow { requests, request: None, kept: 0, results: Credits::new(QUEUE, LATENCY) }
    }

    fn reads(&self) -> Option<Request> {
        self.request.filter(|request| {
            self.results.has_room() && ((request.padded && self.kept >= 0) || self.kept > request.offset)
        })
    }
}

impl Control for SlidingWindow {
    fn valid(&self, _: Ports) -> Ports {
        [self.results.offers(), false]
    }

    fn ready(&self, _: Ports, _: Ports) -> Ports {
        [self.kept < self.requests.shape.depth as i64, false]
    }

    fn tick(&mut self, taken: Ports, given: Ports) {
        let read = self.reads();
        self.kept += i64::from(taken[0]);
        if let Some(request) = read {
            self.kept -= request.free;
            self.results.issue();
        }
        if read.is_some() || self.request.is_none() {
            self.request = Some(self.requests.next());
        }
        self.results.tick(given[0]);
    }

    fn quiet(&self) -> u64 {
        if self.request.is_none() || self.reads().is_some() { 0 } else { self.results.quiet(u64::MAX) }
    }

    fn advance(&mut self, cycles: u64) {
        self.results.advance(cycles);
    }
}
