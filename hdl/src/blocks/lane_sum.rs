//! The sum of a word's lanes, each multiplied with its weight: popcount, and its generalisations.
//!
//! Ports: `clock`; `x`, `simd` lanes; `weights`, one code a lane; `sum`, [`Multiplier::levels`] cycles later, in two's
//! complement, cut or extended to the port's width.
//!
//! Signed lanes (`offset`) have their sign bit flipped first, which makes them unsigned by adding `2^(bits−1)`. Of such
//! a lane `x` and a weight `w` the sum has
//!
//! * [`Bipolar`](Form::Bipolar): `x` where the weight's bit is 1 and `2^bits − 1 − x` where it is 0, for single bits
//!   XNOR;
//! * [`Planes`](Form::Planes): `w · x`;
//! * [`Products`](Form::Products): `w · x`, but `2^p − 1 + w · x` for negative weights in sign and magnitude, where
//!   `p` is [`Multiplier::term_bits`];
//! * [`Shifts`](Form::Shifts): `w · x`, but the same as there for each negative power of two that `w` is a sum of, where
//!   `p` is the width of its [`Place`](compiler::datapath::digits::Place) and the complement is as far to the left as the
//!   place begins;
//! * [`Groups`](Form::Groups): `w · x` for a weight that is its scale, 0 for 0, and the scale times `2^bits − 1 − x` for a
//!   negative one. The scales of a word's groups follow the codes of its lanes;
//! * [`Bases`](Form::Bases): for each factor what bipolar weights have, times the factor.
//!
//! What this differs from the true dot product by is a constant of the weights
//! ([`weight_code`](compiler::datapath::weight_code)).
//!
//! Single bits are counted in threes and the counts added in a tree of two-operand adders with a register behind each
//! level: unregistered adders would be merged by synthesis into one large slow sum.

use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Wire, Word, clocked};
use compiler::datapath::digits::Place;
use compiler::datapath::{Form, Multiplier, weight_code};
use std::collections::VecDeque;

mod bases;
mod groups;
mod shifts;
mod text;
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
        let Multiplier { form, input_bits, .. } = multiplier;
        let kind = if offset { "_offset" } else { "" };
        LaneSum {
            module_name: ModuleName::new(format!(
                "lane_sum_{}_{simd}x{input_bits}{kind}_by_{}_to_{width}",
                form.datapath(),
                weights_name(&multiplier)
            ))
            .about("The sum of a word's lanes, each multiplied with its weight."),
            clock: Wire::default(),
            x: Wire::of(simd * input_bits),
            weights: Wire::of(multiplier.word_bits(simd)),
            sum: Wire::of(width),
            _multiplier: multiplier,
            _simd: simd,
            _offset: offset,
            _pipeline: VecDeque::from(vec![0; multiplier.levels(simd) - 1]),
        }
    }

    fn value(&self) -> i64 {
        let (x, weights) = (self.x.val(), self.weights.val());
        let Multiplier { form, input_bits, .. } = self._multiplier;
        if form == Form::Bipolar && input_bits == 1 {
            let count = |(x, w): (&u64, &u64)| i64::from((!(x ^ w)).count_ones());
            let agreeing: i64 = x.limbs().iter().zip(weights.limbs()).map(count).sum();
            let agreeing = agreeing - (x.limbs().len() * 64 - self._simd) as i64;
            return if self._offset { self._simd as i64 - agreeing } else { agreeing };
        }
        let flip = if self._offset { 1 << (input_bits - 1) } else { 0 };
        let x = |lane: usize| (x.lane(lane, input_bits) ^ flip) as i64;
        let code = |first: usize, bits: usize| {
            if first.is_multiple_of(bits) {
                return weights.lane(first / bits, bits);
            }
            (0..bits).map(|bit| u64::from(weights.get_bit(first + bit)) << bit).sum()
        };
        weight_code::word_sum(&self._multiplier, self._simd, x, code)
    }
}

/// What a module's name says of the weights: all that its text depends on.
fn weights_name(multiplier: &Multiplier) -> String {
    let sign = match (multiplier.signed, multiplier.twos_complement) {
        (false, _) => "u",
        (true, false) => "m",
        (true, true) => "s",
    };
    match multiplier.form {
        Form::Bipolar | Form::Planes | Form::Products => format!("{sign}{}", multiplier.weight_bits),
        Form::Shifts(digits) => {
            let place = |place: Place| {
                let exponents: Vec<String> = place.exponents().map(|exponent| exponent.to_string()).collect();
                format!("{}{}", if place.signed { "m" } else { "u" }, exponents.join("_"))
            };
            digits.places().map(place).collect::<Vec<_>>().join("_")
        }
        Form::Bases(bases) => {
            let factors: Vec<String> = bases.factors().map(|factor| factor.to_string()).collect();
            format!("m{}", factors.join("_"))
        }
        Form::Groups(grouping) => format!("{sign}{}_of_{}", grouping.scale_bits(), grouping.size()),
    }
}

clocked!(LaneSum: clock);

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
