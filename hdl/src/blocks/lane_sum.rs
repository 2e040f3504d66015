//! The sum of a word's lanes, each multiplied with its weight: popcount, and its generalisations.
//!
//! Ports: `clock`; `x`, `simd` lanes; `weights`, one code a lane; `sum`, [`Multiplier::levels`] cycles later, in two's
//! complement, cut or extended to the port's width.
//!
//! Signed lanes (`offset`) have their sign bit flipped first, which makes them unsigned by adding `2^(bits−1)`. Of such
//! a lane `x` and a weight `w` the sum has
//!
//! * [`Bipolar`](Datapath::Bipolar): `x` where the weight's bit is 1 and `2^bits − 1 − x` where it is 0, for single bits
//!   XNOR;
//! * [`Planes`](Datapath::Planes): `w · x`;
//! * [`Products`](Datapath::Products): `w · x`, but `2^p − 1 + w · x` for negative weights in sign and magnitude, where
//!   `p` is [`Multiplier::term_bits`].
//!
//! What this differs from the true dot product by is a constant of the weights
//! ([`weight_code`](compiler::datapath::weight_code)).
//!
//! Single bits are counted in threes and the counts added in a tree of two-operand adders with a register behind each
//! level: unregistered adders would be merged by synthesis into one large slow sum.

use crate::wire::{ModuleName, Wire, Word};
use compiler::datapath::{Datapath, Multiplier, weight_code};
use rust_hdl::core::prelude::*;
use std::collections::VecDeque;

mod verilog;

/// A pipelined tree of adders over multiplied lanes.
#[derive(Clone, Debug, LogicBlock)]
pub struct LaneSum {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// The lanes.
    pub x: Wire<In>,
    /// The lanes' weights.
    pub weights: Wire<In>,
    /// Sum of the multiplied lanes.
    pub sum: Wire<Out>,
    _multiplier: Multiplier,
    _simd: usize,
    _offset: bool,
    _pipeline: VecDeque<i64>,
}

impl LaneSum {
    /// The sum of `simd` lanes, signed ones where `offset`, in `width` bits.
    pub fn new(multiplier: Multiplier, simd: usize, offset: bool, width: usize) -> Self {
        let Multiplier { datapath, input_bits, weight_bits, signed, twos_complement } = multiplier;
        let kind = if offset { "_offset" } else { "" };
        let sign = match (signed, twos_complement) {
            (false, _) => "u",
            (true, false) => "m",
            (true, true) => "s",
        };
        LaneSum {
            module_name: ModuleName::new(format!(
                "lane_sum_{datapath}_{simd}x{input_bits}{kind}_by_{sign}{weight_bits}_to_{width}"
            )),
            clock: Wire::default(),
            x: Wire::of(simd * input_bits),
            weights: Wire::of(simd * weight_bits),
            sum: Wire::of(width),
            _multiplier: multiplier,
            _simd: simd,
            _offset: offset,
            _pipeline: VecDeque::from(vec![0; multiplier.levels(simd) - 1]),
        }
    }

    fn value(&self) -> i64 {
        let (x, weights) = (self.x.val(), self.weights.val());
        let Multiplier { datapath, input_bits, weight_bits, .. } = self._multiplier;
        if datapath == Datapath::Bipolar && input_bits == 1 {
            let count = |(x, w): (&u64, &u64)| i64::from((!(x ^ w)).count_ones());
            let agreeing: i64 = x.limbs().iter().zip(weights.limbs()).map(count).sum();
            let agreeing = agreeing - (x.limbs().len() * 64 - self._simd) as i64;
            return if self._offset { self._simd as i64 - agreeing } else { agreeing };
        }
        let flip = if self._offset { 1 << (input_bits - 1) } else { 0 };
        (0..self._simd)
            .map(|lane| {
                let x = (x.lane(lane, input_bits) ^ flip) as i64;
                weight_code::product(&self._multiplier, weights.lane(lane, weight_bits), x)
            })
            .sum()
    }
}

impl Logic for LaneSum {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            let value = self.value();
            self._pipeline.push_back(value);
            let oldest = self._pipeline.pop_front().unwrap_or(value);
            self.sum.next = Word::signed(oldest, self.sum.width());
        }
    }

    fn connect(&mut self) {
        self.sum.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(verilog::text(&self._multiplier, self._simd, self._offset, self.sum.width()))
    }
}
