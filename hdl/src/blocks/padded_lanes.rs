//! ±1 and padding as signed lanes of two bits: what a datapath reads that has no other way to add 0.
//!
//! Ports: `word`, `lanes` bits and above them whether the word is padding; `x`, two bits a lane: 0 in all of them where
//! it is, else +1 or −1. Combinational.

use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, Wire, bits_of};

/// Lanes of ±1 and 0.
#[derive(Clone, Debug, LogicBlock)]
pub struct PaddedLanes {
    module_name: ModuleName,
    /// The lanes and the flag.
    pub word: Wire<In>,
    /// The lanes in two's complement.
    pub x: Wire<Out>,
    codes: Vec<Wire<Local>>,
    flag: Parameter,
    _lanes: usize,
    _width: usize,
}

impl PaddedLanes {
    /// Words of `lanes` lanes.
    pub fn new(lanes: usize) -> Self {
        PaddedLanes {
            module_name: ModuleName::new(format!("padded_lanes_{lanes}"))
                .about("Lanes of +1 and -1 as two-bit signed numbers; lanes of a padded word are 0."),
            word: Wire::of(lanes + 1),
            x: Wire::of(2 * lanes),
            codes: (0..lanes).map(|_| Wire::of(2 * lanes)).collect(),
            flag: Parameter::number(lanes),
            _lanes: lanes,
            _width: 2 * lanes,
        }
    }
}

impl Logic for PaddedLanes {
    #[hdl_gen]
    fn update(&mut self) {
        self.x.next = bits_of(0u64, self._width);
        for i in 0..self._lanes {
            self.codes[i].next = bits_of(0u64, self._width);
            if !self.word.val().get_bit(self.flag.val()) {
                self.codes[i].next = bits_of(3u64, self._width);
                if self.word.val().get_bit(i) {
                    self.codes[i].next = bits_of(1u64, self._width);
                }
            }
            self.x.next = self.x.val() | (self.codes[i].val() << (2 * i));
        }
    }
}
