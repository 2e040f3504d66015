//! Ends of random graphs that the host computes: softmax, sigmoid, the greatest scores along an axis. And scales of
//! activations that differ between channels. Drawn from generators of their own: the rest of a seed's graph stays.

use super::Builder;
use network::graph::{Node, NodeId, Operator, RoundingMode, Source};
use network::tensor::Tensor;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

impl Builder {
    /// Perhaps an end that the host computes.
    pub(super) fn end_on_host(&mut self, seed: u64) {
        let own = ChaCha8Rng::seed_from_u64(seed ^ 0xe4d5);
        let others = std::mem::replace(&mut self.random, own);
        match self.below(6) {
            0 => self.score_function(),
            1 => self.search(),
            2 => {
                let axis = self.some_axis();
                let mut shape = self.shape();
                shape[axis] = 1;
                self.node(Operator::ArgMax { axis, last: self.nodes.len().is_multiple_of(2) }, &[], shape);
                let last = self.last.0;
                self.values[last].is_integer = true;
            }
            _ => {}
        }
        self.random = others;
    }

    fn some_axis(&mut self) -> usize {
        let rank = self.shape().len();
        1 + self.below(rank - 1)
    }

    fn score_function(&mut self) {
        let (axis, shape) = (self.some_axis(), self.shape());
        let log = self.chance(0.3);
        let (is_softmax, is_end) = (self.chance(0.6), self.chance(0.5));
        // A sigmoid before a quantiser is an activation, which other parts of a graph draw.
        let operator = if is_softmax || !is_end { Operator::Softmax { axis, log } } else { Operator::Sigmoid };
        self.node(operator, &[], shape.clone());
        if is_end {
            return;
        }
        // Powers of two, on whose ties a half and a quarter lie, and others.
        let scale = *[1.0f32 / 255.0, 1.0 / 256.0, 0.1, 0.125, 1.0].choose(&mut self.random).unwrap();
        if self.chance(0.3) {
            let factor = *[0.3f32, 2.0].choose(&mut self.random).unwrap();
            let factor = self.scalar(f64::from(factor));
            self.node(Operator::Mul, &[factor], shape.clone());
        }
        let zero_point = self.below(2) as f64;
        let parameters = [f64::from(scale), zero_point, 8.0].map(|value| self.scalar(value));
        let signed = self.chance(0.5);
        let quantiser = Operator::Quant { signed, narrow: false, rounding: RoundingMode::HalfEven };
        self.node(quantiser, &parameters, shape);
    }

    fn search(&mut self) {
        let (axis, mut shape) = (self.some_axis(), self.shape());
        // Quotients that no float64 holds tie all the same.
        if self.chance(0.4) {
            let divisor = *[3.0f32, 0.07, 0.229].choose(&mut self.random).unwrap();
            let divisor = self.scalar(f64::from(divisor));
            self.node(Operator::Div, &[divisor], shape.clone());
        }
        let k = 1 + self.below(shape[axis]);
        shape[axis] = k;
        let source = Source::Node(NodeId(self.nodes.len()));
        let outputs = vec![self.value(shape.clone(), source.clone()), self.value(shape, source)];
        self.values[outputs[1].0].is_integer = true;
        let name = format!("TopK_{}", self.nodes.len());
        self.nodes.push(Node {
            name,
            operator: Operator::TopK { axis, k },
            inputs: vec![self.last],
            outputs: outputs.clone(),
        });
        self.last = outputs[self.below(2)];
    }

    /// Perhaps gives the last node, a quantiser, one scale for each channel, all of them multiples of one.
    pub(super) fn scale_by_channel(&mut self, seed: u64) {
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x5ca1e ^ (self.nodes.len() as u64) << 32);
        let mut shape = vec![1; self.shape().len()];
        shape[1] = self.width();
        let Some(Node { operator: Operator::Quant { .. }, inputs, .. }) = self.nodes.last() else { return };
        let scale = inputs[1];
        if !random.random_bool(0.4) {
            return;
        }
        let Source::Constant(tensor) = &self.values[scale.0].source else { return };
        let unit = tensor.data[0];
        let data: Vec<f64> =
            (0..shape[1]).map(|_| unit * [1.0, 1.0, 0.5, 3.0, 1.25].choose(&mut random).unwrap()).collect();
        let tensor = Tensor::new(shape.clone(), data);
        let value = &mut self.values[scale.0];
        (value.shape, value.source) = (shape, Source::Constant(tensor));
    }
}
