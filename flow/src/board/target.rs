//! A board as planning sees it.

use super::Board;
use compiler::chip::family::Family;
use compiler::estimate::Shell;
use compiler::planner::{Budget, Target};

/// Words of a window's ring behind a serial line, unless two images need more: four block RAMs, or as many of an iCE40.
///
/// A third of the ring is on its way, another in the core, while the host hears of the last one: with fewer words the line
/// would wait.
pub fn ring_words(family: Family) -> usize {
    match family {
        Family::Ice40 => 512,
        Family::Ecp5 | Family::Gowin | Family::Xilinx7 => 2048,
    }
}

/// Bytes that a device holds of its line: what one block RAM does.
pub fn line_bytes(family: Family) -> usize {
    match family {
        Family::Ice40 => 512,
        Family::Ecp5 | Family::Gowin | Family::Xilinx7 => 2048,
    }
}

/// What stands around a core on a board.
pub fn shell(family: Family) -> Shell {
    Shell { ring_words: ring_words(family), line_bytes: line_bytes(family) }
}

impl Board {
    /// What plans for this board are made for: the costs of its family and the room on its chip.
    pub fn target(&self) -> Target {
        let fpga = &self.facts.fpga;
        let (resources, family) = (fpga.resources, fpga.family.costs());
        Target {
            family: Some(family),
            budget: Some(Budget { lut: resources.lut, ff: resources.ff, bram: resources.bram, shell: shell(family) }),
            price: None,
        }
    }
}
