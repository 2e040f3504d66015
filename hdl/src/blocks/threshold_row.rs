//! Counts the thresholds at or below a value: the step function of one row.
//!
//! Ports: `value`, unsigned; `thresholds`, `levels` unsigned numbers one above the other; `code`, the least code plus the
//! count. Combinational.

use crate::wire::{ModuleName, Parameter, Wire, Word};
use rust_hdl::core::prelude::*;

/// The step function of one row.
#[derive(Clone, Debug, LogicBlock)]
pub struct ThresholdRow {
    module_name: ModuleName,
    /// The value.
    pub value: Wire<In>,
    /// The thresholds, the first in the lowest bits.
    pub thresholds: Wire<In>,
    /// Least code plus the number of thresholds at or below the value.
    pub code: Wire<Out>,
    threshold: Vec<Wire<Local>>,
    threshold_width: Parameter,
    least: Parameter,
    _levels: usize,
}

impl ThresholdRow {
    /// Step functions of `levels` thresholds on values of `width` bits, to codes of `code_width` bits from the bit
    /// pattern `least` upwards.
    pub fn new(levels: usize, width: usize, code_width: usize, least: u64) -> Self {
        ThresholdRow {
            module_name: ModuleName::new(format!("threshold_row_l{levels}_w{width}_c{code_width}_from{least}")),
            value: Wire::of(width),
            thresholds: Wire::of(levels * width),
            code: Wire::of(code_width),
            threshold: (0..levels).map(|_| Wire::of(width)).collect(),
            threshold_width: Parameter::number(width),
            least: Parameter::new(Word::new(least, code_width)),
            _levels: levels,
        }
    }
}

impl Logic for ThresholdRow {
    #[hdl_gen]
    fn update(&mut self) {
        self.code.next = self.least.val();
        for i in 0..self._levels {
            self.threshold[i].next = self.thresholds.val() >> (self.threshold_width.val() * i);
            self.code.next = self.code.val() + (self.value.val() >= self.threshold[i].val());
        }
    }
}
