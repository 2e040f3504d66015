//! Random networks of any layers in any order: groups, flattened feature maps, concatenation, enlargement, pools and tensors
//! that are read more than once, one behind the other as no exporter would write them.

use crate::networks::{BIPOLAR, Builder, I3, U2, window};
use abi::ElementType;
use network::network::{Network, TensorId};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Most elements of a tensor, so that a clock-by-clock simulation takes moments.
const MAX_ELEMENTS: usize = 240;

/// A network drawn from `seed`.
pub fn random_network(seed: u64) -> Network {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let shape = [1 + below(&mut random, 6), 1 + below(&mut random, 6), 1 + below(&mut random, 6)];
    let element = any_type(&mut random);
    let (builder, image) = Builder::new(&format!("random_{seed}"), shape, element, seed);
    let mut draw = Draw { builder, random, unread: vec![image], large: Vec::new(), all: vec![image] };
    for _ in 0..2 + below(&mut draw.random, 7) {
        draw.layer();
    }
    draw.finish()
}

fn below(random: &mut impl Rng, limit: usize) -> usize {
    random.random_range(0..limit)
}

fn any_type(random: &mut impl Rng) -> ElementType {
    [BIPOLAR, U2, I3][below(random, 3)]
}

struct Draw {
    builder: Builder,
    random: ChaCha8Rng,
    /// Tensors that nothing reads yet.
    unread: Vec<TensorId>,
    /// Tensors that nothing reads yet, too large to go on with.
    large: Vec<TensorId>,
    /// All tensors that a layer may read.
    all: Vec<TensorId>,
}

impl Draw {
    /// A tensor to read, mostly one that nothing reads yet.
    fn operand(&mut self) -> TensorId {
        let from = if below(&mut self.random, 4) > 0 && !self.unread.is_empty() { &self.unread } else { &self.all };
        let tensor = from[below(&mut self.random, from.len())];
        self.unread.retain(|other| *other != tensor);
        tensor
    }

    /// A tensor like `x` in what `alike` looks at, perhaps `x` itself.
    fn partner<T: PartialEq>(&mut self, x: TensorId, alike: impl Fn(&Builder, TensorId) -> T) -> TensorId {
        let wanted = alike(&self.builder, x);
        let fitting: Vec<TensorId> =
            self.all.iter().copied().filter(|tensor| alike(&self.builder, *tensor) == wanted).collect();
        let tensor = if fitting.is_empty() { x } else { fitting[below(&mut self.random, fitting.len())] };
        self.unread.retain(|other| *other != tensor);
        tensor
    }

    /// Codes of the sums `x`, of a random type.
    fn codes(&mut self, x: TensorId) -> TensorId {
        let element = any_type(&mut self.random);
        self.builder.steps(x, element)
    }

    fn add(&mut self, tensor: TensorId) {
        self.unread.push(tensor);
        self.all.push(tensor);
    }

    /// A divisor of `number`.
    fn divisor(&mut self, number: usize) -> usize {
        let divisors: Vec<usize> = (1..=number).filter(|divisor| number.is_multiple_of(*divisor)).collect();
        divisors[below(&mut self.random, divisors.len())]
    }

    fn layer(&mut self) {
        let x = self.operand();
        let shape = self.builder.tensor(x);
        let fits = |kernel: usize| kernel <= shape.height.min(shape.width);
        let kernel = 1 + below(&mut self.random, 3);
        let stride = 1 + below(&mut self.random, 2);
        let result = match below(&mut self.random, 12) {
            0 => {
                let rows = 1 + below(&mut self.random, 7);
                let element = any_type(&mut self.random);
                let sums = self.builder.dense(x, rows, element);
                self.codes(sums)
            }
            1..=3 if fits(kernel) => {
                let groups = self.divisor(shape.channels);
                let rows = groups * (1 + below(&mut self.random, 3));
                let padding = below(&mut self.random, kernel.min(2));
                let outside = if shape.element == BIPOLAR { [0, -1, 1][below(&mut self.random, 3)] } else { 0 };
                let weights = (rows, any_type(&mut self.random));
                let window = window(kernel, stride, padding);
                let sums = self.builder.convolution(x, window, groups, outside, weights);
                self.codes(sums)
            }
            4 if fits(kernel) => {
                self.builder.extremum(x, window(kernel, stride, below(&mut self.random, kernel.min(2))))
            }
            5 if fits(kernel) => {
                let sums = self.builder.sum(x, window(kernel, stride, below(&mut self.random, kernel.min(2))));
                self.codes(sums)
            }
            6 if shape.height == shape.width => {
                let sums = self.builder.sum(x, window(shape.height, 1, 0));
                self.codes(sums)
            }
            7 => {
                let y = self.partner(x, |builder, tensor| {
                    let shape = builder.tensor(tensor);
                    (shape.height, shape.width, shape.channels)
                });
                if below(&mut self.random, 2) == 0 {
                    let element = any_type(&mut self.random);
                    self.builder.table(x, y, element)
                } else {
                    let sums = self.builder.add(&[(x, 1), (y, -2)]);
                    self.codes(sums)
                }
            }
            8 => {
                let y = self.partner(x, |builder, tensor| {
                    let shape = builder.tensor(tensor);
                    (shape.height, shape.width, shape.element)
                });
                self.builder.concat(x, y)
            }
            9 => {
                let times = [1 + below(&mut self.random, 3), 1 + below(&mut self.random, 2)];
                if shape.elements() * times[0] * times[1] > MAX_ELEMENTS {
                    self.builder.flatten(x)
                } else {
                    self.builder.upsample(x, times[0], times[1])
                }
            }
            _ => self.builder.flatten(x),
        };
        if self.builder.tensor(result).elements() <= 2 * MAX_ELEMENTS {
            self.add(result);
        } else {
            self.large.push(result);
        }
    }

    /// Joins what nothing reads: flattened and concatenated, then a dense layer.
    fn finish(mut self) -> Network {
        let mut unread = std::mem::take(&mut self.unread);
        unread.append(&mut self.large);
        let element = any_type(&mut self.random);
        let mut joined: Option<TensorId> = None;
        for tensor in unread {
            let flat = self.builder.flatten(tensor);
            let codes =
                if self.builder.tensor(flat).element == element { flat } else { self.builder.steps(flat, element) };
            joined = Some(match joined {
                None => codes,
                Some(before) => self.builder.concat(before, codes),
            });
        }
        let joined = joined.unwrap_or(self.all[0]);
        let rows = 2 + below(&mut self.random, 4);
        let scores = self.builder.dense(joined, rows, I3);
        let output = if below(&mut self.random, 3) == 0 && self.builder.tensor(scores).vectors() == 1 {
            self.builder.arg_max(scores)
        } else {
            scores
        };
        self.builder.finish(output)
    }
}
