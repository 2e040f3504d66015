//! The commands.

use crate::board::{Board, Family};

/// A program of the open tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tool {
    /// Synthesis.
    Yosys,
    /// Place and route for ECP5.
    NextpnrEcp5,
    /// Place and route for iCE40.
    NextpnrIce40,
    /// Bitstreams of ECP5.
    Ecppack,
    /// Bitstreams of iCE40.
    Icepack,
}

impl Tool {
    /// The program's name.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Yosys => "yosys",
            Tool::NextpnrEcp5 => "nextpnr-ecp5",
            Tool::NextpnrIce40 => "nextpnr-ice40",
            Tool::Ecppack => "ecppack",
            Tool::Icepack => "icepack",
        }
    }

    /// The oldest version that reads and writes what its neighbours write and read; `None` where a program does not tell
    /// its version.
    pub fn oldest(self) -> Option<(u32, u32)> {
        match self {
            // From then on, netlists hold `$scopeinfo` cells, which older nextpnr refuse.
            Tool::Yosys => Some((0, 48)),
            Tool::NextpnrEcp5 | Tool::NextpnrIce40 => Some((0, 8)),
            Tool::Ecppack | Tool::Icepack => None,
        }
    }
}

/// One command of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// What it does, for people and as name of its log.
    pub name: &'static str,
    /// The program.
    pub tool: Tool,
    /// Its arguments; paths are relative to the folder `build`.
    pub arguments: Vec<String>,
}

impl Stage {
    /// Name of its log in the folder `build`.
    pub fn log(&self) -> String {
        format!("{}.log", self.name)
    }
}

/// Name of the bitstream in the folder `build`.
pub fn bitstream(family: Family) -> &'static str {
    match family {
        Family::Ecp5 => "design.bit",
        Family::Ice40 => "design.bin",
    }
}

/// The commands that make the bitstream for `board`, in order. `seed` is where placement begins.
pub fn stages(board: &Board, seed: u32) -> [Stage; 3] {
    let fpga = &board.facts.fpga;
    let seed = seed.to_string();
    let frequency = board.clock_mhz().to_string();
    let pins = format!("../board/{}", fpga.family.pin_file());
    let device = format!("--{}", fpga.device);
    let grade = fpga.speed_grade.map(|grade| grade.to_string());
    // Missed timing is for us to judge, by the report.
    let mut place_and_route = vec![
        device.as_str(),
        "--package",
        &fpga.package,
        "--json",
        "netlist.json",
        "--report",
        "timing.json",
        "--timing-allow-fail",
        "--seed",
        &seed,
        "--freq",
        &frequency,
    ];
    let (tool, packer, pack): (Tool, Tool, &[&str]) = match fpga.family {
        Family::Ecp5 => {
            place_and_route.extend(["--lpf", &pins, "--textcfg", "design.config"]);
            (Tool::NextpnrEcp5, Tool::Ecppack, &["--compress", "design.config", bitstream(Family::Ecp5)])
        }
        Family::Ice40 => {
            place_and_route.extend(["--pcf", &pins, "--asc", "design.asc"]);
            (Tool::NextpnrIce40, Tool::Icepack, &["design.asc", bitstream(Family::Ice40)])
        }
    };
    if let Some(grade) = &grade {
        place_and_route.extend(["--speed", grade]);
    }
    let stage = |name, tool, arguments: &[&str]| Stage {
        name,
        tool,
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
    };
    [
        stage("synthesis", Tool::Yosys, &["-s", "../board/synthesis.ys"]),
        stage("place_and_route", tool, &place_and_route),
        stage("bitstream", packer, pack),
    ]
}
