//! A board as planning sees it.

use super::Board;
use super::device::line_bytes;
use crate::shell::windows;
use compiler::estimate::Shell;
use compiler::planner::{Budget, Target};

impl Board {
    /// What plans for this board are made for: the costs of its family and the room on its chip.
    pub fn target(&self) -> Target {
        let fpga = &self.facts.fpga;
        let resources = fpga.resources;
        Target {
            family: Some(fpga.family.costs()),
            budget: Some(Budget {
                lut: resources.lut,
                ff: resources.ff,
                bram: resources.bram,
                shell: Shell { rings: windows::rings, line_bytes },
            }),
            price: None,
        }
    }
}
