//! The lanes of a word, each times a factor of its channel.
//!
//! Ports: `x`, `lanes` elements; `position`, the number of the word in its vector; `products`, `lanes` products in two's
//! complement. Combinational.

use super::constant_table::ConstantTable;
use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, Wire, Word, bits_of};
use abi::ElementType;

/// What the lanes are and what they are multiplied with.
#[derive(Clone, Copy, Debug)]
pub struct WeighedShape<'a> {
    /// Type of the elements.
    pub element: ElementType,
    /// Elements of a word.
    pub lanes: usize,
    /// Elements of a vector.
    pub channels: usize,
    /// A factor for each channel, or one for all.
    pub factors: &'a [i64],
}

impl WeighedShape<'_> {
    /// Words of a vector.
    pub fn words(&self) -> usize {
        self.channels.div_ceil(self.lanes)
    }
}

/// Multiplies lanes.
#[derive(Clone, Debug, LogicBlock)]
pub struct WeighedLanes {
    module_name: ModuleName,
    /// The elements.
    pub x: Wire<In>,
    /// Number of the word in its vector.
    pub position: Wire<In>,
    /// The products.
    pub products: Wire<Out>,
    factors: ConstantTable,
    elements: Vec<Wire<Local>>,
    values: Vec<Wire<Local>>,
    weights: Vec<Wire<Local>>,
    scaled: Vec<Wire<Local>>,
    placed: Vec<Wire<Local>>,
    lane_in: Parameter,
    lane_out: Parameter,
    sign: Parameter,
    doubled: Parameter,
    subtracted: Parameter,
    _lanes: usize,
    _bits: usize,
}

impl WeighedLanes {
    /// The lanes called `name`, with products of `bits` bits, which hold every product.
    pub fn new(name: &str, shape: &WeighedShape, bits: usize) -> Self {
        let WeighedShape { element, lanes, channels, factors } = *shape;
        let own = element.bits() as usize;
        let factor = |channel: usize| match factors {
            [one] => *one,
            factors => factors.get(channel).copied().unwrap_or(0),
        };
        let row = |word: usize| {
            let mask = if bits >= 64 { u64::MAX } else { (1 << bits) - 1 };
            let code = |channel: usize| if channel < channels { factor(channel) as u64 & mask } else { 0 };
            Word::from_lanes((0..lanes).map(|lane| code(word * lanes + lane)), bits)
        };
        let flipped = match element {
            ElementType::Signed { bits } => 1u64 << (bits - 1),
            ElementType::Bipolar | ElementType::Unsigned { .. } => 0,
        };
        let number = |value: u64| Parameter::new(Word::new(value, bits));
        WeighedLanes {
            module_name: ModuleName::new(name).about("The lanes of a word, each times a factor of its channel."),
            x: Wire::of(lanes * own),
            position: Wire::of(super::address_bits(shape.words())),
            products: Wire::of(lanes * bits),
            factors: ConstantTable::new(&format!("{name}_factors"), (0..shape.words()).map(row).collect()),
            elements: (0..lanes).map(|_| Wire::of(own)).collect(),
            values: (0..lanes).map(|_| Wire::of(bits)).collect(),
            weights: (0..lanes).map(|_| Wire::of(bits)).collect(),
            scaled: (0..lanes).map(|_| Wire::of(bits)).collect(),
            placed: (0..lanes).map(|_| Wire::of(lanes * bits)).collect(),
            lane_in: Parameter::number(own),
            lane_out: Parameter::number(bits),
            sign: number(flipped),
            doubled: Parameter::number(usize::from(element == ElementType::Bipolar)),
            subtracted: number(if element == ElementType::Bipolar { 1 } else { flipped }),
            _lanes: lanes,
            _bits: bits,
        }
    }
}

impl Logic for WeighedLanes {
    #[hdl_gen]
    fn update(&mut self) {
        self.factors.address.next = self.position.val();
        for i in 0..self._lanes {
            self.elements[i].next = self.x.val() >> (self.lane_in.val() * i);
            self.weights[i].next = self.factors.q.val() >> (self.lane_out.val() * i);
            self.values[i].next = ((bits_of(0u64, self._bits) + (self.sign.val() ^ self.elements[i].val()))
                << self.doubled.val())
                - self.subtracted.val();
            self.scaled[i].next = self.values[i].val() * self.weights[i].val();
            self.placed[i].next = self.scaled[i].val();
        }
        self.products.next = self.placed[0].val();
        for i in 1..self._lanes {
            self.products.next = self.products.val() | (self.placed[i].val() << (self.lane_out.val() * i));
        }
    }
}
