//! Where the stages of a pipeline lie in its picture.
//!
//! Every stage has a level, one more than the highest among the stages that it reads from. A stream over several levels
//! passes through an item of its own in each level between. Items of one level lie in lanes; an item keeps the lane of what
//! it follows where that is free.

use super::data::Data;
use std::collections::{BTreeSet, HashMap};

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// The images.
    Source,
    /// A stage, by number.
    Stage(usize),
    /// A stream on its way past a level.
    Passing,
    /// The answers.
    Sink,
}

/// An item and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub item: Item,
    pub level: usize,
    pub lane: usize,
}

/// A part of a stream, from one level to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Numbers of the items.
    pub from: usize,
    pub to: usize,
    /// The stream.
    pub stream: String,
}

/// A picture of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    pub items: Vec<Placed>,
    pub segments: Vec<Segment>,
    pub levels: usize,
}

/// One stream, from its writer to its reader.
struct Edge<'a> {
    from: Item,
    to: Item,
    stream: &'a str,
}

/// The layout of the report's pipeline; empty where the report does not know its streams.
pub(super) fn layout(data: &Data) -> Layout {
    let edges = edges(data);
    let Some(edges) = edges.filter(|edges| !edges.is_empty()) else {
        return Layout::default();
    };
    let mut level_of: HashMap<usize, usize> = HashMap::new();
    for stage in 0..data.layers.len() {
        let before = edges.iter().filter(|edge| edge.to == Item::Stage(stage)).map(|edge| match edge.from {
            Item::Stage(writer) => level_of.get(&writer).copied().unwrap_or(0),
            Item::Source | Item::Passing | Item::Sink => 0,
        });
        let level = before.max().unwrap_or(0) + 1;
        level_of.insert(stage, level);
    }
    let last = level_of.values().max().copied().unwrap_or(0) + 1;
    let level = |item: Item| match item {
        Item::Stage(stage) => level_of.get(&stage).copied().unwrap_or(0),
        Item::Sink => last,
        Item::Source | Item::Passing => 0,
    };
    place(&edges, level, last, data.layers.len())
}

/// The streams from writer to reader; none where a name is missing.
fn edges(data: &Data) -> Option<Vec<Edge<'_>>> {
    let first = data.streams.first()?;
    let writer = |name: &str| data.layers.iter().position(|layer| layer.outputs.iter().any(|output| output == name));
    let reader = |name: &str| data.layers.iter().position(|layer| layer.inputs.iter().any(|input| input == name));
    let edge = |stream: &str| -> Option<(Item, Item)> {
        let from = if stream == first.name { Item::Source } else { Item::Stage(writer(stream)?) };
        let to = reader(stream).map_or(Item::Sink, Item::Stage);
        // Stages stand in order, writers before readers.
        match (from, to) {
            (Item::Stage(from), Item::Stage(to)) if from >= to => None,
            found => Some(found),
        }
    };
    data.streams
        .iter()
        .map(|stream| edge(&stream.name).map(|(from, to)| Edge { from, to, stream: &stream.name }))
        .collect()
}

fn place(edges: &[Edge], level: impl Fn(Item) -> usize, last: usize, stages: usize) -> Layout {
    let mut layout = Layout { levels: last + 1, ..Layout::default() };
    let mut taken: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); last + 1];
    let mut number: HashMap<usize, usize> = HashMap::new();
    let mut put = |layout: &mut Layout, item: Item, level: usize, wish: usize| {
        let lane = (wish..).find(|lane| !taken[level].contains(lane)).unwrap_or(wish);
        // A lower lane is better than a higher one where the wished one is taken.
        let lane = if lane == wish { lane } else { (0..).find(|lane| !taken[level].contains(lane)).unwrap_or(lane) };
        taken[level].insert(lane);
        layout.items.push(Placed { item, level, lane });
        layout.items.len() - 1
    };
    let source = put(&mut layout, Item::Source, 0, 0);
    // Where each stream ends for now: at the item of its writer, or at one that passes it on.
    let mut heads: HashMap<&str, usize> = HashMap::new();
    for edge in edges.iter().filter(|edge| edge.from == Item::Source) {
        heads.insert(edge.stream, source);
    }
    for here in 1..=last {
        let wish = |item: Item| {
            let of = |edge: &Edge| heads.get(edge.stream).map(|head| layout.items[*head].lane);
            edges.iter().filter(|edge| edge.to == item).filter_map(of).min().unwrap_or(0)
        };
        let mut arriving: Vec<(usize, Item)> = (0..stages)
            .map(Item::Stage)
            .chain([Item::Sink])
            .filter(|item| level(*item) == here)
            .map(|item| (wish(item), item))
            .collect();
        arriving.sort_by_key(|(wish, _)| *wish);
        for (wish, item) in arriving {
            let at = put(&mut layout, item, here, wish);
            for edge in edges.iter().filter(|edge| edge.to == item) {
                if let Some(from) = heads.remove(edge.stream) {
                    layout.segments.push(Segment { from, to: at, stream: edge.stream.to_owned() });
                }
            }
            if let Item::Stage(stage) = item {
                number.insert(stage, at);
            }
        }
        let passing: Vec<&Edge> = edges.iter().filter(|edge| heads.contains_key(edge.stream)).collect();
        for edge in passing {
            let from = heads[edge.stream];
            let wish = layout.items[from].lane;
            let at = put(&mut layout, Item::Passing, here, wish);
            layout.segments.push(Segment { from, to: at, stream: edge.stream.to_owned() });
            heads.insert(edge.stream, at);
        }
        for edge in edges {
            if let Item::Stage(stage) = edge.from
                && level(edge.from) == here
                && let Some(at) = number.get(&stage)
            {
                heads.insert(edge.stream, *at);
            }
        }
    }
    layout
}

#[cfg(test)]
mod tests {
    use super::super::data::{Layer, Stream};
    use super::*;

    fn data(streams: &[&str], stages: &[(&[&str], &[&str])]) -> Data {
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        let layer = |(inputs, outputs): &(&[&str], &[&str])| Layer {
            inputs: names(inputs),
            outputs: names(outputs),
            ..Layer::default()
        };
        Data {
            streams: streams.iter().map(|name| Stream { name: name.to_string(), ..Stream::default() }).collect(),
            layers: stages.iter().map(layer).collect(),
            ..Data::default()
        }
    }

    #[test]
    fn a_branch_that_is_shorter_passes_the_other_one_in_a_lane_of_its_own() {
        let data = data(
            &["in", "a", "b", "long", "sum"],
            &[(&["in"], &["a", "b"]), (&["a"], &["long"]), (&["long", "b"], &["sum"])],
        );
        let found = layout(&data);
        let place =
            |item| found.items.iter().find(|placed| placed.item == item).map(|placed| (placed.level, placed.lane));
        assert_eq!(found.levels, 5);
        assert_eq!(place(Item::Source), Some((0, 0)));
        assert_eq!([0, 1, 2].map(|stage| place(Item::Stage(stage))), [Some((1, 0)), Some((2, 0)), Some((3, 0))]);
        assert_eq!(place(Item::Passing), Some((2, 1)));
        assert_eq!(place(Item::Sink), Some((4, 0)));
        assert_eq!(found.segments.len(), 6);
        for Segment { from, to, .. } in &found.segments {
            assert_eq!(found.items[*from].level + 1, found.items[*to].level);
        }
    }

    #[test]
    fn reports_without_streams_have_no_picture() {
        assert_eq!(layout(&Data::default()), Layout::default());
        assert_eq!(layout(&data(&["in", "lost"], &[(&["in"], &["out"])])), Layout::default());
    }
}
