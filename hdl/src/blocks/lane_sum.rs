//! The sum of a word's lanes, each weighed by +1 or −1: popcount, and its generalisation to wider lanes.
//!
//! Ports: `clock`; `x`, `simd` lanes of `bits` bits; `weights`, one bit a lane; `sum`, unsigned, [`levels`] cycles
//! later.
//!
//! A lane counts as the unsigned number `x` where its weight bit is 1 and as `2^bits − 1 − x` where it is 0: for
//! single bits that is XNOR. Signed lanes (`offset`) have their sign bit flipped first, which makes them unsigned by
//! adding `2^(bits−1)`. What this adds to the true dot product is a constant of the weights.
//!
//! Single bits are counted in threes and the counts added in a tree of two-operand adders with a register behind each
//! level: unregistered adders would be merged by synthesis into one large slow sum.

use crate::wire::{ModuleName, Wire, Word};
use compiler::schedule::lane_sum_group as group;
pub use compiler::schedule::lane_sum_levels as levels;
use rust_hdl::core::prelude::*;
use std::collections::VecDeque;
use std::fmt::Write;

/// A pipelined tree of adders over weighed lanes.
#[derive(Clone, Debug, LogicBlock)]
pub struct LaneSum {
    module_name: ModuleName,
    /// The clock.
    pub clock: Wire<In, Clock>,
    /// The lanes.
    pub x: Wire<In>,
    /// One bit a lane: 1 for +1, 0 for −1.
    pub weights: Wire<In>,
    /// Sum of the weighed lanes.
    pub sum: Wire<Out>,
    _simd: usize,
    _bits: usize,
    _offset: bool,
    _pipeline: VecDeque<u64>,
}

/// The greatest sum of `simd` lanes of `bits` bits.
pub fn greatest_sum(simd: usize, bits: usize) -> usize {
    simd * ((1 << bits) - 1)
}

impl LaneSum {
    /// The sum of `simd` lanes of `bits` bits, signed where `offset`.
    pub fn new(simd: usize, bits: usize, offset: bool) -> Self {
        let kind = if offset { "_offset" } else { "" };
        LaneSum {
            module_name: ModuleName::new(format!("lane_sum_{simd}x{bits}{kind}")),
            clock: Wire::default(),
            x: Wire::of(simd * bits),
            weights: Wire::of(simd),
            sum: Wire::of(super::bits_for(greatest_sum(simd, bits))),
            _simd: simd,
            _bits: bits,
            _offset: offset,
            _pipeline: VecDeque::from(vec![0; levels(simd, bits) - 1]),
        }
    }

    fn value(&self) -> u64 {
        let (x, weights) = (self.x.val(), self.weights.val());
        if self._bits == 1 {
            let count = |(x, w): (&u64, &u64)| u64::from((!(x ^ w)).count_ones());
            let agreeing: u64 = x.limbs().iter().zip(weights.limbs()).map(count).sum();
            let unused = x.limbs().len() * 64 - self._simd;
            return if self._offset {
                self._simd as u64 - (agreeing - unused as u64)
            } else {
                agreeing - unused as u64
            };
        }
        let mask = (1u64 << self._bits) - 1;
        let flip = if self._offset { 1 << (self._bits - 1) } else { 0 };
        (0..self._simd)
            .map(|lane| {
                let x = x.lane(lane, self._bits) ^ flip;
                if weights.get_bit(lane) { x } else { mask - x }
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
            self.sum.next = Word::new(oldest, self.sum.width());
        }
    }

    fn connect(&mut self) {
        self.sum.connect();
    }

    fn hdl(&self) -> Verilog {
        let (simd, bits) = (self._simd, self._bits);
        let mut text = String::new();
        // Writing to a string cannot fail.
        let mut line = |text_line: String| {
            let _ = writeln!(text, "{text_line}");
        };
        for lane in 0..simd {
            let (low, high) = (lane * bits, lane * bits + bits - 1);
            let flip = if self._offset { format!(" ^ {bits}'h{:x}", 1u64 << (bits - 1)) } else { String::new() };
            // A port of one bit is a scalar, which Verilog does not let one select from.
            let x = if simd * bits == 1 { "x".to_owned() } else { format!("x[{high}:{low}]") };
            let weight = if simd == 1 { "weights".to_owned() } else { format!("weights[{lane}]") };
            line(format!("wire [{}:0] lane_{lane} = {x}{flip} ^ {{{bits}{{~{weight}}}}};", bits - 1));
        }
        let mut level = 0;
        let mut terms: Vec<(String, usize)> = (0..simd).map(|lane| (format!("lane_{lane}"), bits)).collect();
        let mut size = group(bits);
        let mut updates = Vec::new();
        while level == 0 || terms.len() > 1 {
            let width = super::bits_for((size.min(terms.len())) * ((1usize << terms[0].1) - 1)).max(terms[0].1);
            let mut next = Vec::new();
            for (number, parts) in terms.chunks(size).enumerate() {
                let name = format!("sum_{level}_{number}");
                let extended = |(part, own): &(String, usize)| match width - own {
                    0 => part.clone(),
                    more => format!("{{{more}'d0, {part}}}"),
                };
                line(format!("reg [{}:0] {name};", width - 1));
                line(format!("initial {name} = 0;"));
                updates.push(format!("  {name} <= {};", parts.iter().map(extended).collect::<Vec<_>>().join(" + ")));
                next.push((name, width));
            }
            terms = next;
            size = 2;
            level += 1;
        }
        line("always @(posedge clock) begin".into());
        for update in updates {
            line(update);
        }
        line("end".into());
        let (last, width) = &terms[0];
        let wanted = self.sum.width();
        line(match wanted.cmp(width) {
            std::cmp::Ordering::Less => format!("assign sum = {last}[{}:0];", wanted - 1),
            std::cmp::Ordering::Equal => format!("assign sum = {last};"),
            std::cmp::Ordering::Greater => format!("assign sum = {{{}'d0, {last}}};", wanted - width),
        });
        Verilog::Custom(text)
    }
}
