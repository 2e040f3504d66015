//! What an order of elements is.

use super::super::layout::Extent;
use std::collections::HashMap;

/// Most groups of channels that come from different pixels, or of rows of a block.
const MAX_PARTS: usize = 64;

/// Rows, columns and channels of a tensor, each list by itself: the elements where they cross.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub rows: Vec<usize>,
    pub columns: Vec<usize>,
    pub channels: Vec<usize>,
}

/// How an image is made of the elements of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pattern {
    /// The same elements in stream order.
    Same,
    /// Rows, columns and channels.
    Selection(Part),
    /// Groups of channels that come from different pixels (`SpaceToDepth`), then all channels in another order.
    Phases { parts: Vec<Part>, channels: Vec<usize> },
    /// Each pixel a block of pixels (`DepthToSpace`): for each row of the block the channels of its pixels, from left to
    /// right.
    Blocks { rows: Vec<Vec<usize>> },
    /// The channels of one pixel as pixels, in stream order.
    Vector(Vec<usize>),
}

/// An order, as the extents of both sides tell it.
struct Order<'o> {
    order: &'o [usize],
    from: Extent,
    to: Extent,
}

impl Order<'_> {
    /// Row, column and channel of the tensor that an element of the image comes from.
    fn source(&self, channel: usize, row: usize, column: usize) -> (usize, usize, usize) {
        let position = self.order[(channel * self.to.height + row) * self.to.width + column];
        let pixel = position / self.from.channels;
        (pixel / self.from.width, pixel % self.from.width, position % self.from.channels)
    }

    fn all(&self, holds: impl Fn(usize, usize, usize) -> bool) -> bool {
        let Extent { height, width, channels } = self.to;
        (0..channels).all(|channel| (0..height).all(|row| (0..width).all(|column| holds(channel, row, column))))
    }

    /// For each element in stream order its position.
    fn in_stream(&self) -> impl Iterator<Item = usize> {
        let (pixels, channels) = (self.to.pixels(), self.to.channels);
        (0..pixels).flat_map(move |pixel| (0..channels).map(move |channel| self.order[channel * pixels + pixel]))
    }

    /// Each channel as rows and columns of one channel, where every one is that.
    fn parts(&self) -> Option<Vec<Part>> {
        let part = |channel: usize| Part {
            rows: (0..self.to.height).map(|row| self.source(channel, row, 0).0).collect(),
            columns: (0..self.to.width).map(|column| self.source(channel, 0, column).1).collect(),
            channels: vec![self.source(channel, 0, 0).2],
        };
        let parts: Vec<Part> = (0..self.to.channels).map(part).collect();
        let holds = |channel: usize, row: usize, column: usize| {
            let part = &parts[channel];
            self.source(channel, row, column) == (part.rows[row], part.columns[column], part.channels[0])
        };
        self.all(holds).then_some(parts)
    }

    fn blocks(&self) -> Option<Pattern> {
        let (from, to) = (self.from, self.to);
        if !to.height.is_multiple_of(from.height) || !to.width.is_multiple_of(from.width) {
            return None;
        }
        let (vertical, horizontal) = (to.height / from.height, to.width / from.width);
        let is_block = vertical * horizontal > 1 && vertical <= MAX_PARTS;
        let holds = |channel: usize, row: usize, column: usize| {
            let first = self.source(channel, row % vertical, column % horizontal).2;
            self.source(channel, row, column) == (row / vertical, column / horizontal, first)
        };
        if !is_block || !self.all(holds) {
            return None;
        }
        let row = |row: usize| {
            let pixels = (0..horizontal).flat_map(|column| (0..to.channels).map(move |channel| (channel, column)));
            pixels.map(|(channel, column)| self.source(channel, row, column).2).collect()
        };
        Some(Pattern::Blocks { rows: (0..vertical).map(row).collect() })
    }
}

/// Channels by the rows and columns that they come from.
fn grouped(parts: Vec<Part>) -> Option<Pattern> {
    let mut groups: Vec<Part> = Vec::new();
    let mut numbers: HashMap<(Vec<usize>, Vec<usize>), usize> = HashMap::new();
    // For each channel its group and its place there.
    let mut places = Vec::with_capacity(parts.len());
    for Part { rows, columns, channels } in parts {
        let number = *numbers.entry((rows.clone(), columns.clone())).or_insert(groups.len());
        if number == groups.len() {
            groups.push(Part { rows, columns, channels: Vec::new() });
        }
        places.push((number, groups[number].channels.len()));
        groups[number].channels.extend(channels);
    }
    if groups.len() == 1 {
        return groups.pop().map(Pattern::Selection);
    }
    if groups.len() > MAX_PARTS {
        return None;
    }
    let mut firsts = vec![0];
    for group in &groups {
        firsts.push(firsts[firsts.len() - 1] + group.channels.len());
    }
    let channels = places.into_iter().map(|(group, place)| firsts[group] + place).collect();
    Some(Pattern::Phases { parts: groups, channels })
}

impl Pattern {
    /// The pattern of an order, with channels before pixels, of the elements of a tensor; `None` where it is none of them.
    pub fn of(order: &[usize], from: Extent, to: Extent) -> Option<Pattern> {
        let order = Order { order, from, to };
        let elements = from.pixels() * from.channels;
        if order.order.len() == elements && order.in_stream().eq(0..elements) {
            return Some(Pattern::Same);
        }
        if let Some(parts) = order.parts()
            && let Some(found) = grouped(parts)
        {
            return Some(found);
        }
        if let Some(found) = order.blocks() {
            return Some(found);
        }
        (from.pixels() == 1).then(|| Pattern::Vector(order.in_stream().collect()))
    }

    /// The order of all of a tensor's channels in which less were to do.
    pub fn permutation(&self, channels: usize) -> Option<Vec<usize>> {
        let list = match self {
            Pattern::Selection(part) => part.channels.clone(),
            Pattern::Blocks { rows } => rows.concat(),
            Pattern::Vector(list) => list.clone(),
            Pattern::Same | Pattern::Phases { .. } => return None,
        };
        let mut sorted = list.clone();
        sorted.sort_unstable();
        (list != sorted && sorted.into_iter().eq(0..channels)).then_some(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: Extent = Extent { height: 4, width: 6, channels: 4 };

    /// The order of an image whose elements come from (row, column, channel).
    fn order(to: Extent, source: impl Fn(usize, usize, usize) -> (usize, usize, usize)) -> Vec<usize> {
        let mut order = Vec::new();
        for channel in 0..to.channels {
            for row in 0..to.height {
                for column in 0..to.width {
                    let (row, column, channel) = source(channel, row, column);
                    order.push((row * FROM.width + column) * FROM.channels + channel);
                }
            }
        }
        order
    }

    #[test]
    fn selections() {
        let to = Extent { height: 3, width: 2, channels: 2 };
        let found = Pattern::of(&order(to, |c, y, x| (3 - y, 2 * x + 1, 3 * c)), FROM, to);
        let part = Part { rows: vec![3, 2, 1], columns: vec![1, 3], channels: vec![0, 3] };
        assert_eq!(found, Some(Pattern::Selection(part)));
        let same = Pattern::of(&order(FROM, |c, y, x| (y, x, c)), FROM, FROM);
        assert_eq!(same, Some(Pattern::Same));
        let shuffled = Pattern::of(&order(FROM, |c, y, x| (y, x, c % 2 * 2 + c / 2)), FROM, FROM);
        assert_eq!(shuffled.unwrap().permutation(4), Some(vec![0, 2, 1, 3]));
    }

    #[test]
    fn space_to_depth() {
        let to = Extent { height: 2, width: 3, channels: 16 };
        // Each channel's four phases side by side.
        let Some(Pattern::Phases { parts, channels }) =
            Pattern::of(&order(to, |c, y, x| (2 * y + c % 4 / 2, 2 * x + c % 2, c / 4)), FROM, to)
        else {
            panic!("no phases");
        };
        assert_eq!((parts.len(), &parts[1].columns, &parts[1].channels), (4, &vec![1, 3, 5], &vec![0, 1, 2, 3]));
        assert_eq!(channels[..5], [0, 4, 8, 12, 1]);
    }

    #[test]
    fn depth_to_space() {
        let to = Extent { height: 8, width: 12, channels: 1 };
        let found = Pattern::of(&order(to, |_, y, x| (y / 2, x / 2, y % 2 * 2 + x % 2)), FROM, to);
        assert_eq!(found, Some(Pattern::Blocks { rows: vec![vec![0, 1], vec![2, 3]] }));
        let wide = Extent { height: 4, width: 24, channels: 1 };
        assert_eq!(Pattern::of(&order(wide, |_, y, x| (y, x / 4, x % 4)), FROM, wide), Some(Pattern::Same));
    }

    #[test]
    fn what_is_no_pattern() {
        let to = Extent { height: 6, width: 4, channels: 4 };
        assert_eq!(Pattern::of(&order(to, |c, y, x| (x, y, c)), FROM, to), None);
        let from = Extent { height: 1, width: 1, channels: 8 };
        let to = Extent { height: 2, width: 2, channels: 2 };
        let vector = Pattern::of(&[0, 1, 2, 3, 4, 5, 6, 7], from, to);
        assert_eq!(vector, Some(Pattern::Blocks { rows: vec![vec![0, 4, 1, 5], vec![2, 6, 3, 7]] }));
    }
}
