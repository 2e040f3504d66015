//! Families of FPGAs: what one set of tools builds for.

use compiler::chip::family::Family as Costs;
use serde::Deserialize;

/// A family of FPGAs with one set of tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Lattice ECP5.
    Ecp5,
    /// Lattice iCE40 of the series LP and HX.
    Ice40,
    /// Lattice iCE40 UltraPlus.
    Ice40up,
    /// Gowin LittleBee and Arora.
    Gowin,
    /// Xilinx 7 series.
    Xilinx7,
}

impl Family {
    /// Name of the pin file.
    pub fn pin_file(self) -> &'static str {
        match self {
            Family::Ecp5 => "pins.lpf",
            Family::Ice40 | Family::Ice40up => "pins.pcf",
            Family::Gowin => "pins.cst",
            Family::Xilinx7 => "pins.xdc",
        }
    }

    /// Bits of a block RAM.
    pub fn bram_bits(self) -> u64 {
        // All of them in the widest mode.
        let (width, rows) = self.costs().block_modes()[0];
        (width * rows) as u64
    }

    /// The family whose costs designs are planned with.
    pub fn costs(self) -> Costs {
        match self {
            Family::Ecp5 => Costs::Ecp5,
            Family::Ice40 | Family::Ice40up => Costs::Ice40,
            Family::Gowin => Costs::Gowin,
            Family::Xilinx7 => Costs::Xilinx7,
        }
    }

    /// Inputs of a LUT.
    pub fn lut_inputs(self) -> u32 {
        match self {
            Family::Ecp5 | Family::Ice40 | Family::Ice40up | Family::Gowin => 4,
            Family::Xilinx7 => 6,
        }
    }

    /// The family's name for people.
    pub fn name(self) -> &'static str {
        match self {
            Family::Ecp5 => "ECP5",
            Family::Ice40 => "iCE40",
            Family::Ice40up => "iCE40 UltraPlus",
            Family::Gowin => "Gowin",
            Family::Xilinx7 => "Xilinx 7",
        }
    }

    /// Name of the bitstream, which place and route with open tools ends in; `None` where the registries have none.
    pub fn bitstream(self) -> Option<&'static str> {
        match self {
            Family::Ecp5 => Some("design.bit"),
            Family::Ice40 | Family::Ice40up => Some("design.bin"),
            Family::Gowin => Some("design.fs"),
            Family::Xilinx7 => None,
        }
    }

    /// Name of the folder with the family's cells among yosys' files.
    pub fn cells(self) -> &'static str {
        match self {
            Family::Ecp5 => "ecp5",
            Family::Ice40 | Family::Ice40up => "ice40",
            Family::Gowin => "gowin",
            Family::Xilinx7 => "xilinx",
        }
    }
}
