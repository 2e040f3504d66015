//! Random graphs of unusual shape: operators that move, join or repeat elements behind each other in any order, behind
//! grouped convolutions and flattened maps, on codes and on sums.

use super::Builder;
use super::convolutional::MAX_ELEMENTS;
use network::graph::{Graph, Operator, RoundingMode, ValueId};
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};

/// Most channels of a joined map.
const MAX_CHANNELS: usize = 24;
/// Most elements of a map that is read as a vector.
const MAX_FEATURES: usize = 120;
/// A stride that no image reaches.
const ENDLESS: usize = i64::MAX as usize;

impl Builder {
    fn shape_of(&self, value: ValueId) -> &[usize] {
        &self.values[value.0].shape
    }

    fn read(&mut self, value: ValueId) -> ValueId {
        self.last = value;
        value
    }

    pub(super) fn quantise_perhaps(&mut self, probability: f64) {
        if self.chance(0.3) {
            self.normalise();
        }
        if self.chance(probability) {
            self.quantise(true);
        }
    }

    fn relu(&mut self) {
        let shape = self.shape();
        self.node(Operator::Relu, &[], shape);
        self.quantise(true);
    }

    /// A stride that leads past the only window is any number.
    fn exaggerate(&mut self) {
        let chance = self.chance(0.2);
        let shape = self.shape();
        let last = self.nodes.last_mut().map(|node| &mut node.operator);
        let Some(Operator::Conv { window, .. } | Operator::MaxPool { window }) = last else { return };
        for (stride, extent) in window.strides.iter_mut().zip(&shape[2..]) {
            if chance && *extent == 1 {
                *stride = ENDLESS;
            }
        }
    }

    /// Something with the pixels of the last value, to be read beside it.
    fn beside(&mut self, maps: &[ValueId]) -> ValueId {
        let start = self.last;
        let shape = self.shape();
        let fitting: Vec<ValueId> = maps.iter().copied().filter(|map| self.shape_of(*map)[2..] == shape[2..]).collect();
        match self.below(6) {
            0 | 1 => {}
            2 => {
                let earlier = fitting.choose(&mut self.random).copied();
                self.read(earlier.unwrap_or(start));
            }
            3 => self.quantise(true),
            _ => {
                let groups = self.groups();
                let rows = groups * self.random.random_range(1..=2);
                self.branch(groups, rows);
            }
        }
        std::mem::replace(&mut self.last, start)
    }

    /// Values joined along their channels, in any order.
    fn join(&mut self, mut parts: Vec<ValueId>) {
        parts.shuffle(&mut self.random);
        let mut shape = self.shape_of(parts[0]).to_vec();
        shape[1] = parts.iter().map(|part| self.shape_of(*part)[1]).sum();
        self.read(parts[0]);
        self.node(Operator::Concat { axis: 1 }, &parts[1..], shape);
    }

    fn join_maps(&mut self, maps: &[ValueId]) {
        let mut parts = vec![self.last];
        for _ in 0..self.random.random_range(1..=2) {
            parts.push(self.beside(maps));
        }
        let channels: usize = parts.iter().map(|part| self.shape_of(*part)[1]).sum();
        let pixels: usize = self.shape()[2..].iter().product();
        if channels <= MAX_CHANNELS && channels * pixels <= MAX_ELEMENTS {
            self.join(parts);
            self.quantise_perhaps(0.6);
        }
    }

    /// Two to four readers of one value, added.
    fn share(&mut self) {
        let (start, width, shape) = (self.last, self.width(), self.shape());
        for _ in 0..self.random.random_range(1..=3) {
            let sum = self.last;
            let other = if self.chance(0.4) {
                start
            } else {
                self.read(start);
                self.branch(1, width);
                std::mem::replace(&mut self.last, sum)
            };
            if self.shape_of(other) == shape {
                self.node(Operator::Add, &[other], shape.clone());
            }
        }
        self.quantise_perhaps(0.7);
    }

    fn block(&mut self, maps: &[ValueId]) {
        if self.chance(0.3) {
            return self.moved_block();
        }
        match self.below(13) {
            0..=3 => {
                self.convolve();
                self.exaggerate();
                self.quantise_perhaps(0.85);
            }
            4..=6 => self.join_maps(maps),
            7 | 8 => self.upsample(),
            9 => {
                self.max_pool();
                self.exaggerate();
            }
            10 => {
                self.average_pool();
                self.quantise_perhaps(0.6);
            }
            11 => {
                let value = f64::from(self.random.random_range(-12..=12)) / 4.0;
                self.pad(value);
                self.quantise_perhaps(0.4);
            }
            _ if self.chance(0.3) => self.relu(),
            _ => self.share(),
        }
    }

    fn flatten(&mut self, map: ValueId) -> ValueId {
        self.read(map);
        let elements = self.elements();
        self.node(Operator::Reshape, &[], vec![1, elements]);
        self.last
    }

    /// The last map and perhaps others as one vector, and what may follow it.
    fn vector(&mut self, maps: &[ValueId]) {
        let small: Vec<ValueId> =
            maps.iter().copied().filter(|map| self.shape_of(*map).iter().product::<usize>() <= MAX_FEATURES).collect();
        let mut parts = vec![self.last];
        for _ in 0..self.below(3) {
            parts.extend(small.choose(&mut self.random));
        }
        let mut parts: Vec<ValueId> = parts.into_iter().map(|map| self.flatten(map)).collect();
        if self.chance(0.2) {
            parts.push(parts[0]);
        }
        if parts.len() > 1 {
            self.join(parts);
        }
        for _ in 0..self.below(3) {
            let rows = self.random.random_range(1..=9);
            self.quantise_perhaps(0.2);
            self.dot(rows);
            if self.chance(0.3) {
                self.join(vec![self.last; 2]);
            }
        }
    }

    /// Scores that are the same for each image, or at least quantised.
    fn end(&mut self) {
        if self.chance(0.1) {
            let shape = self.shape();
            let far = self.scalar(1000.0);
            self.node(Operator::Add, &[far], shape);
        }
        if self.chance(0.3) {
            self.quantise(true);
        }
        if self.chance(0.4) {
            self.node(Operator::ArgMax { axis: 1, last: false }, &[], vec![1, 1]);
            let last = self.last.0;
            self.values[last].is_integer = true;
        }
    }

    /// Means of so many codes of eight bits that their sums take all of the 16 bits that a dot product reads.
    fn wide_sums(mut self, seed: u64) -> Graph {
        self.values[0].shape = vec![1, self.random.random_range(1..=2), 16, 16];
        let parameters = [1.0 / 32.0, 0.0, 8.0].map(|value| self.scalar(value));
        let shape = self.shape();
        let quantiser = Operator::Quant { signed: false, narrow: false, rounding: RoundingMode::HalfEven };
        self.node(quantiser, &parameters, shape);
        self.average(vec![16; 2]);
        self.flatten(self.last);
        let rows = self.random.random_range(1..=3);
        self.dot(rows);
        self.finish(seed)
    }
}

/// The random graph of unusual shape of `seed`.
pub fn random_topology_graph(seed: u64) -> Graph {
    let mut builder = Builder::on_image(seed, 7);
    if builder.chance(0.04) {
        return builder.wide_sums(seed);
    }
    builder.quantise(true);
    let mut maps = vec![builder.last];
    for _ in 0..builder.random.random_range(1..=4) {
        builder.block(&maps);
        maps.push(builder.last);
    }
    if builder.chance(0.85) {
        builder.vector(&maps);
        builder.end();
    }
    builder.finish(seed)
}
