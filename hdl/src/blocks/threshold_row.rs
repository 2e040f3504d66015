//! Counts the thresholds at or below a value: the step function of one row.
//!
//! Ports: `value`, unsigned; `thresholds`, `levels` unsigned numbers one above the other; `code`, the first code plus what
//! each threshold reached adds. Combinational.

use crate::rust_hdl::prelude::*;
use crate::wire::{ModuleName, Parameter, Wire, Word};
use abi::ElementType;
use compiler::codes::Ladder;

/// The step function of one row.
#[derive(Clone, Debug, LogicBlock)]
pub struct ThresholdRow {
    module_name: ModuleName,
    /// The value.
    pub value: Wire<In>,
    /// The thresholds, the first in the lowest bits.
    pub thresholds: Wire<In>,
    /// The code behind the thresholds at or below the value.
    pub code: Wire<Out>,
    threshold: Vec<Wire<Local>>,
    threshold_width: Parameter,
    first: Parameter,
    added: Vec<Parameter>,
    _levels: usize,
    _counted: usize,
}

impl ThresholdRow {
    /// Step functions on values of `width` bits, to codes of type `element` that go through the values of `ladder`.
    pub fn new(ladder: &Ladder, width: usize, element: ElementType) -> Self {
        let code_width = element.bits() as usize;
        let codes: Vec<u64> = ladder.values().iter().map(|value| element.encode(*value)).collect();
        let mask = (1u64 << code_width) - 1;
        let added: Vec<u64> = codes.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]) & mask).collect();
        let (levels, first) = (ladder.levels(), codes[0]);
        let is_count = added.iter().all(|added| *added == 1);
        let name = format!("threshold_row_l{levels}_w{width}_c{code_width}_from{first}");
        let module = if is_count { name } else { format!("{name}_by_{:08x}", digest(&added)) };
        ThresholdRow {
            module_name: ModuleName::new(module)
                .about("Counts the thresholds at or below a value: the step function of one row."),
            value: Wire::of(width),
            thresholds: Wire::of(levels * width),
            code: Wire::of(code_width),
            threshold: (0..levels).map(|_| Wire::of(width)).collect(),
            threshold_width: Parameter::number(width),
            first: Parameter::new(Word::new(first, code_width)),
            added: added.iter().map(|added| Parameter::new(Word::new(*added, code_width))).collect(),
            _levels: if is_count { 0 } else { levels },
            _counted: if is_count { levels } else { 0 },
        }
    }
}

/// A short name for what the thresholds add.
fn digest(added: &[u64]) -> u32 {
    added.iter().fold(0x811c_9dc5, |hash, added| (hash ^ (*added as u32)).wrapping_mul(0x0100_0193))
}

impl Logic for ThresholdRow {
    #[hdl_gen]
    fn update(&mut self) {
        self.code.next = self.first.val();
        for i in 0..self._counted {
            self.threshold[i].next = self.thresholds.val() >> (self.threshold_width.val() * i);
            self.code.next = self.code.val() + (self.value.val() >= self.threshold[i].val());
        }
        for i in 0..self._levels {
            self.threshold[i].next = self.thresholds.val() >> (self.threshold_width.val() * i);
            if self.value.val() >= self.threshold[i].val() {
                self.code.next = self.code.val() + self.added[i].val();
            }
        }
    }
}
