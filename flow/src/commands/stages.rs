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
    /// Place and route for Gowin.
    NextpnrGowin,
    /// Bitstreams of ECP5.
    Ecppack,
    /// Bitstreams of iCE40.
    Icepack,
    /// Bitstreams of Gowin.
    GowinPack,
}

impl Tool {
    /// The program's name.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Yosys => "yosys",
            Tool::NextpnrEcp5 => "nextpnr-ecp5",
            Tool::NextpnrIce40 => "nextpnr-ice40",
            Tool::NextpnrGowin => "nextpnr-himbaechel-gowin",
            Tool::Ecppack => "ecppack",
            Tool::Icepack => "icepack",
            Tool::GowinPack => "gowin_pack",
        }
    }

    /// The oldest version that reads and writes what its neighbours write and read; `None` where a program does not report
    /// its version.
    pub fn oldest(self) -> Option<(u32, u32)> {
        match self {
            // From then on, netlists hold `$scopeinfo` cells, which older nextpnr refuse.
            Tool::Yosys => Some((0, 48)),
            Tool::NextpnrEcp5 | Tool::NextpnrIce40 => Some((0, 8)),
            // Before, its data base and that of gowin_pack went separate ways.
            Tool::NextpnrGowin => Some((0, 9)),
            Tool::Ecppack | Tool::Icepack | Tool::GowinPack => None,
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

/// The commands of a build, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stages {
    /// Verilog to a netlist of the family's cells.
    pub synthesis: Stage,
    /// From there to a bitstream; none where no open tools do it.
    pub implementation: Option<Implementation>,
}

/// From a netlist to a bitstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Implementation {
    /// Where the cells go, and the wires between them.
    pub place_and_route: Stage,
    /// The bitstream of that.
    pub pack: Stage,
    /// Its name in the folder `build`.
    pub bitstream: &'static str,
}

impl Implementation {
    /// Place and route that begins at `seed`.
    pub fn placed_from(&self, seed: &str) -> Stage {
        let mut stage = self.place_and_route.clone();
        if let Some(place) = stage.arguments.iter().position(|argument| argument == SEED) {
            stage.arguments[place + 1] = seed.to_owned();
        }
        stage
    }
}

/// The option of nextpnr that says where placement begins.
const SEED: &str = "--seed";

impl Stages {
    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = &Stage> {
        let implementation = self.implementation.iter().flat_map(|found| [&found.place_and_route, &found.pack]);
        std::iter::once(&self.synthesis).chain(implementation)
    }
}

/// The commands that make the bitstream for `board` with a clock of `clock_hertz`. `seed` is where placement begins.
pub fn stages(board: &Board, clock_hertz: u32, seed: u32) -> Stages {
    let synthesis = stage("synthesis", Tool::Yosys, &["-s", "../board/synthesis.ys"]);
    let family = board.facts.fpga.family;
    let implementation = family.bitstream().and_then(|bitstream| {
        let (tool, mut arguments, packer, pack) = of_family(board, bitstream)?;
        let (seed, frequency) = (seed.to_string(), (f64::from(clock_hertz) / 1e6).to_string());
        // Missed timing is for us to judge, by the report.
        arguments.extend(
            [
                "--json",
                "netlist.json",
                "--report",
                "timing.json",
                "--timing-allow-fail",
                SEED,
                &seed,
                "--freq",
                &frequency,
            ]
            .map(str::to_owned),
        );
        let place_and_route = Stage { name: "place_and_route", tool, arguments };
        Some(Implementation { place_and_route, pack: stage("bitstream", packer, &pack), bitstream })
    });
    Stages { synthesis, implementation }
}

/// What differs between families: the tool that places and routes and its options, the packer and its arguments.
fn of_family<'a>(board: &'a Board, bitstream: &'a str) -> Option<(Tool, Vec<String>, Tool, Vec<&'a str>)> {
    let fpga = &board.facts.fpga;
    let pins = format!("../board/{}", fpga.family.pin_file());
    let device = format!("--{}", fpga.device);
    let owned = |arguments: &[&str]| arguments.iter().map(|argument| (*argument).to_owned()).collect::<Vec<String>>();
    Some(match fpga.family {
        Family::Ecp5 => {
            let mut arguments =
                owned(&[&device, "--package", &fpga.package, "--lpf", &pins, "--textcfg", "design.config"]);
            if let Some(grade) = fpga.speed_grade {
                arguments.extend(["--speed".to_owned(), grade.to_string()]);
            }
            (Tool::NextpnrEcp5, arguments, Tool::Ecppack, vec!["--compress", "design.config", bitstream])
        }
        Family::Ice40 | Family::Ice40up => {
            let arguments = owned(&[&device, "--package", &fpga.package, "--pcf", &pins, "--asc", "design.asc"]);
            (Tool::NextpnrIce40, arguments, Tool::Icepack, vec!["design.asc", bitstream])
        }
        Family::Gowin => {
            let (family, pins) = (format!("family={}", fpga.device), format!("cst={pins}"));
            let arguments =
                owned(&["--device", &fpga.package, "--vopt", &family, "--vopt", &pins, "--write", "design.json"]);
            (Tool::NextpnrGowin, arguments, Tool::GowinPack, vec!["-d", &fpga.device, "-o", bitstream, "design.json"])
        }
        Family::Xilinx7 => return None,
    })
}

fn stage(name: &'static str, tool: Tool, arguments: &[&str]) -> Stage {
    Stage { name, tool, arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect() }
}
