//! The pixels of a window, brought together.

use network::network::Window;

/// Windows over the pixels of an image.
#[derive(Debug)]
pub(super) struct Gather {
    window: Window,
    height: usize,
    width: usize,
}

impl Gather {
    pub(super) fn new(window: Window, height: usize, width: usize) -> Self {
        Gather { window, height, width }
    }

    /// Whether each window is the pixel at its own place.
    pub(super) fn is_identity(&self) -> bool {
        self.window.taps() == 1 && self.window.stride == [1, 1] && self.window.is_unpadded()
    }

    /// The pixels of window (`y`, `x`), tap by tap, each of as many items as `fill`, which stands for pixels outside
    /// the image.
    pub(super) fn collect<T: Copy>(&self, (y, x): (usize, usize), image: &[T], fill: &[T], taps: &mut [T]) {
        let Gather { window, height, width } = self;
        let items = fill.len();
        let (rows, columns) = (window.inside(0, y, *height), window.inside(1, x, *width));
        let outside = |taps: &mut [T]| taps.chunks_exact_mut(items).for_each(|tap| tap.copy_from_slice(fill));
        for (row, line) in taps.chunks_exact_mut(window.kernel[1] * items).enumerate() {
            if !rows.contains(&row) || columns.is_empty() {
                outside(line);
                continue;
            }
            let image_row = y * window.stride[0] + row * window.dilation[0] - window.before[0];
            let image_column = x * window.stride[1] + columns.start * window.dilation[1] - window.before[1];
            let pixels = &image[(image_row * width + image_column) * items..];
            let (before, rest) = line.split_at_mut(columns.start * items);
            let (inside, after) = rest.split_at_mut(columns.len() * items);
            outside(before);
            if window.dilation[1] == 1 {
                inside.copy_from_slice(&pixels[..inside.len()]);
            } else {
                for (tap, to) in inside.chunks_exact_mut(items).enumerate() {
                    to.copy_from_slice(&pixels[tap * window.dilation[1] * items..][..items]);
                }
            }
            outside(after);
        }
    }

    /// The taps of window (`y`, `x`) that lie outside the image.
    pub(super) fn outside(&self, (y, x): (usize, usize)) -> impl Iterator<Item = usize> {
        let [height, width] = self.window.kernel;
        let (rows, columns) = (self.window.inside(0, y, self.height), self.window.inside(1, x, self.width));
        let is_whole = rows.len() == height && columns.len() == width;
        let taps = if is_whole { 0..0 } else { 0..height * width };
        taps.filter(move |tap| !(rows.contains(&(tap / width)) && columns.contains(&(tap % width))))
    }

    /// The pixels inside the image of window (`y`, `x`), each of `items` items.
    pub(super) fn inside<'a, T>(
        &self,
        (y, x): (usize, usize),
        image: &'a [T],
        items: usize,
    ) -> impl Iterator<Item = &'a [T]> {
        let Window { stride, dilation, before, .. } = self.window;
        let width = self.width;
        let (rows, columns) = (self.window.inside(0, y, self.height), self.window.inside(1, x, width));
        rows.flat_map(move |row| columns.clone().map(move |column| (row, column))).map(move |(row, column)| {
            let row = y * stride[0] + row * dilation[0] - before[0];
            let column = x * stride[1] + column * dilation[1] - before[1];
            &image[(row * width + column) * items..][..items]
        })
    }
}
