//! Blocks that move elements, put zeros between them, or compute functions that are no steps of a chain.

use super::Builder;
use super::convolutional::MAX_ELEMENTS;
use network::graph::{Activation, Operator};
use rand::RngExt;
use rand::seq::IndexedRandom;

/// Most elements along an axis of what is selected.
const MAX_SELECTED: usize = 9;

impl Builder {
    /// Elements along one axis: some in a row, mirrored, with the border again, or any.
    fn select(&mut self) {
        let shape = self.shape();
        let axis = self.random.random_range(1..shape.len());
        let extent = shape[axis];
        let first = self.below(extent);
        let indices: Vec<usize> = match self.below(5) {
            0 => {
                let step = self.random.random_range(1..=3);
                (first..extent).step_by(step).collect()
            }
            1 => (0..=first).rev().collect(),
            2 => {
                let wide = self.random.random_range(1..=2).min(extent - 1);
                let (before, behind) = ((1..=wide).rev(), (0..wide).map(|place| extent - 2 - place));
                before.chain(0..extent).chain(behind).collect()
            }
            3 => {
                let wide = self.random.random_range(0..=2);
                vec![0; wide].into_iter().chain(0..extent).chain([extent - 1]).collect()
            }
            _ => {
                let count = self.random.random_range(1..=4);
                (0..count).map(|_| self.below(extent)).collect()
            }
        };
        let mut selected = shape;
        selected[axis] = indices.len();
        if indices.len() <= MAX_SELECTED && selected.iter().product::<usize>() <= MAX_ELEMENTS {
            self.node(Operator::Select { axis, indices }, &[], selected);
        }
    }

    /// The value in other axes, these in another order, and in a shape again.
    fn rearrange(&mut self, split: Vec<usize>, permutation: Vec<usize>, shape: Vec<usize>) {
        let moved = permutation.iter().map(|axis| split[*axis]).collect();
        self.node(Operator::Reshape, &[], split);
        self.node(Operator::Transpose { permutation }, &[], moved);
        self.node(Operator::Reshape, &[], shape);
    }

    /// Channels of several groups taken in turn.
    fn shuffle_channels(&mut self) {
        let shape = self.shape();
        let channels = shape[1];
        let divisors: Vec<usize> = (2..channels).filter(|groups| channels.is_multiple_of(*groups)).collect();
        let Some(groups) = divisors.choose(&mut self.random).copied() else { return };
        let split: Vec<usize> = [1, groups, channels / groups].iter().chain(&shape[2..]).copied().collect();
        let permutation = [0, 2, 1].into_iter().chain(3..split.len()).collect();
        self.rearrange(split, permutation, shape);
    }

    fn depth_to_space(&mut self) {
        let &[_, channels, height, width] = self.shape().as_slice() else { return };
        if !channels.is_multiple_of(4) {
            return;
        }
        let (left, shape) = (channels / 4, vec![1, channels / 4, 2 * height, 2 * width]);
        if self.chance(0.5) {
            self.rearrange(vec![1, 2, 2, left, height, width], vec![0, 3, 4, 1, 5, 2], shape);
        } else {
            self.rearrange(vec![1, left, 2, 2, height, width], vec![0, 1, 4, 2, 5, 3], shape);
        }
    }

    fn space_to_depth(&mut self) {
        let &[_, channels, height, width] = self.shape().as_slice() else { return };
        if !height.is_multiple_of(2) || !width.is_multiple_of(2) {
            return;
        }
        let split = vec![1, channels, height / 2, 2, width / 2, 2];
        let order = if self.chance(0.7) { vec![0, 3, 5, 1, 2, 4] } else { vec![0, 1, 3, 5, 2, 4] };
        self.rearrange(split, order, vec![1, 4 * channels, height / 2, width / 2]);
    }

    /// Zeros between pixels, and mostly the convolution behind them.
    fn dilate(&mut self) {
        let shape = self.shape();
        let mut factors = vec![1, 1];
        factors.extend((2..shape.len()).map(|_| self.random.random_range(1..=3)));
        let larger: Vec<usize> = shape.iter().zip(&factors).map(|(extent, factor)| extent * factor).collect();
        if larger.iter().product::<usize>() <= MAX_ELEMENTS {
            self.node(Operator::Dilate { factors }, &[], larger);
            if self.chance(0.7) {
                self.convolve();
            }
        }
    }

    /// A value and a part of it along rows, columns or channels.
    fn join_places(&mut self) {
        let (start, shape) = (self.last, self.shape());
        let axis = self.random.random_range(1..shape.len());
        let count = self.random.random_range(1..=shape[axis]);
        let mut part = shape.clone();
        part[axis] = count;
        let indices = (shape[axis] - count..shape[axis]).collect();
        self.node(Operator::Select { axis, indices }, &[], part);
        if self.chance(0.4) {
            self.quantise(true);
        }
        let other = std::mem::replace(&mut self.last, start);
        let mut joined = shape;
        joined[axis] += count;
        if joined.iter().product::<usize>() <= MAX_ELEMENTS {
            self.node(Operator::Concat { axis }, &[other], joined);
        }
    }

    /// x · a gate of x, a slope below 0, or a transcendental function; then a quantiser.
    fn gate(&mut self) {
        let (start, shape) = (self.last, self.shape());
        let step = self.random.random_range(1..=4);
        match self.below(3) {
            0 => {
                let (slope, half) = (self.scalar(f64::from(step) / 16.0), self.scalar(0.5));
                self.node(Operator::Mul, &[slope], shape.clone());
                self.node(Operator::Add, &[half], shape.clone());
                self.node(Operator::Clip { minimum: 0.0, maximum: 1.0 }, &[], shape.clone());
                self.node(Operator::Mul, &[start], shape);
            }
            1 => {
                self.node(Operator::Neg, &[], shape.clone());
                self.node(Operator::Relu, &[], shape.clone());
                let channels = self.width();
                let slopes =
                    (0..channels).map(|channel| f64::from(step) * (0.125 - (channel % 3) as f64 / 16.0)).collect();
                let mut of_channel = vec![1; shape.len()];
                of_channel[1] = channels;
                let slopes = self.constant(of_channel, slopes);
                self.node(Operator::Mul, &[slopes], shape.clone());
                let below = std::mem::replace(&mut self.last, start);
                self.node(Operator::Relu, &[], shape.clone());
                self.node(Operator::Sub, &[below], shape);
            }
            _ => {
                let smaller = self.scalar(0.25);
                self.node(Operator::Mul, &[smaller], shape.clone());
                let argument = self.last;
                let of_any_number: Vec<Activation> =
                    Activation::ALL.into_iter().filter(|activation| *activation != Activation::Log).collect();
                let activation = *of_any_number.choose(&mut self.random).unwrap_or(&Activation::Tanh);
                let limited = activation == Activation::Exp;
                if limited {
                    self.node(Operator::Clip { minimum: -8.0, maximum: 4.0 }, &[], shape.clone());
                }
                self.node(Operator::Activation(activation), &[], shape.clone());
                if self.chance(0.4) {
                    self.node(Operator::Mul, &[argument], shape);
                }
            }
        }
        self.quantise(true);
    }

    /// One of the blocks, and perhaps a quantiser.
    pub(super) fn moved_block(&mut self) {
        match self.below(8) {
            0 | 1 => self.select(),
            2 => self.shuffle_channels(),
            3 => self.depth_to_space(),
            4 => self.space_to_depth(),
            5 => self.dilate(),
            6 => self.join_places(),
            _ => return self.gate(),
        }
        self.quantise_perhaps(0.4);
    }
}
