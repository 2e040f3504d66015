//! What families of FPGAs have in common for a planner: their memories.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A family of FPGAs whose costs are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Lattice ECP5.
    Ecp5,
    /// Lattice iCE40.
    Ice40,
    /// Gowin GW1N and GW2A.
    Gowin,
    /// Xilinx 7 series.
    Xilinx7,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 4] = [Family::Ecp5, Family::Ice40, Family::Gowin, Family::Xilinx7];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Family::Ecp5 => "ecp5",
            Family::Ice40 => "ice40",
            Family::Gowin => "gowin",
            Family::Xilinx7 => "xilinx7",
        }
    }

    /// The family of a name, `None` for one whose costs are not known.
    pub fn named(name: &str) -> Option<Family> {
        Family::ALL.into_iter().find(|family| family.name() == name)
    }

    /// The widths of a block RAM and the rows that it has with each.
    pub fn block_modes(self) -> &'static [(usize, usize)] {
        match self {
            // Of the Xilinx 7 series halves of a RAMB36E1, which are what is counted.
            Family::Ecp5 | Family::Gowin | Family::Xilinx7 => {
                &[(36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384)]
            }
            Family::Ice40 => &[(16, 256), (8, 512), (4, 1024), (2, 2048)],
        }
    }

    /// The fewest bits of a row that a block RAM can write without the others.
    pub fn written_bits(self) -> usize {
        match self {
            Family::Ice40 => 1,
            Family::Ecp5 | Family::Gowin | Family::Xilinx7 => 9,
        }
    }

    /// Whether LUTs can be memories that are written.
    pub fn has_lut_ram(self) -> bool {
        self != Family::Ice40
    }

    /// Rows of a memory in block RAM, of a unit that runs at `clock_mhz`: as many as there is time for multiplexers behind
    /// the block RAMs, before the register that takes the word. Times are of a usual speed grade (of the slow UP among the
    /// iCE40), placed in a chip that is mostly full.
    pub fn most_rows(self, clock_mhz: f64) -> u64 {
        // Nanoseconds from the clock through a block RAM to a register, and through each halving of the choice.
        let (word, choice) = match self {
            Family::Ecp5 => (6.3, 3.2),
            Family::Ice40 => (9.0, 4.0),
            Family::Gowin => (7.0, 3.5),
            Family::Xilinx7 => (3.5, 1.8),
        };
        let levels = ((1e3 / clock_mhz - word) / choice).clamp(0.0, 32.0) as u32;
        let rows = self.block_modes()[0].1 as u64;
        rows << levels
    }

    /// What a block RAM is worth in LUTs where no chip is given: in a chip of usual size less than its LUTs for each block RAM,
    /// because a chip full of block RAMs still routes, and one full of LUTs does not.
    pub fn usual_price(self) -> f64 {
        match self {
            Family::Ecp5 => 160.0,
            Family::Ice40 => 96.0,
            Family::Gowin => 130.0,
            Family::Xilinx7 => 84.0,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::Ecp5 => "ECP5",
            Family::Ice40 => "iCE40",
            Family::Gowin => "Gowin",
            Family::Xilinx7 => "Xilinx 7",
        })
    }
}
