//! The commands as files, for people without this program.

use super::stages::{Stages, stages};
use crate::board::{Board, Family};
use std::fmt::Write;

/// Placements that are tried at most where nothing else is said.
pub const DEFAULT_SEEDS: u32 = 4;

/// The tools and their versions, for `pip install -r`.
pub const REQUIREMENTS: &str = include_str!("../../../constraints/requirements.txt");

/// `board/synthesis.ys`: what yosys does with the top module `top`. `core` are the core's Verilog files.
pub fn synthesis_script(board: &Board, top: &str, core: &[String]) -> String {
    let mut text = String::from("# Run in the folder build.\nread_verilog");
    for file in core {
        // Writing to a string cannot fail.
        let _ = write!(text, " ../rtl/{file}");
    }
    let synthesis = match board.facts.fpga.family {
        // Wide multiplexers are fast, which designs at a board's clock have no need of, and take a third more LUTs.
        Family::Ecp5 => "synth_ecp5 -nowidelut -abc9".to_owned(),
        Family::Ice40 => "synth_ice40 -device hx -abc9".to_owned(),
        Family::Ice40up => "synth_ice40 -device u -abc9".to_owned(),
        Family::Gowin => format!("synth_gowin -family {}", gowin_series(&board.facts.fpga.device)),
        Family::Xilinx7 => "synth_xilinx -family xc7 -flatten -abc9".to_owned(),
    };
    text += &format!(" ../board/{top}.v\n{synthesis} -top {top}\n");
    text += "# A cell without a definition would be left out in silence.\nhierarchy -check\ncheck -assert\n";
    text + "write_json netlist.json\nwrite_verilog -noattr netlist.v\n"
}

/// The series of a Gowin device, as yosys calls it: `gw1n` of `GW1N-9C`.
fn gowin_series(device: &str) -> String {
    device.split('-').next().unwrap_or_default().trim_end_matches(['R', 'S', 'Z', 'E', 'F', 'P']).to_lowercase()
}

/// `board/build.sh`: what [`Build`](crate::build::Build) does.
pub fn script(board: &Board, clock_hertz: u32) -> String {
    let mut text = String::from(HEAD);
    let stages = stages(board, clock_hertz, 1);
    for (number, stage) in stages.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "tool{number}=$(find_tool {})", stage.tool.name());
    }
    let Stages { synthesis, implementation } = &stages;
    let run = |number: usize, arguments: &str, log: &str| format!("\"$tool{number}\" {arguments} > {log} 2>&1");
    let _ = writeln!(text, "echo {}\n{}", synthesis.name, run(0, &synthesis.arguments.join(" "), &synthesis.log()));
    let Some(implementation) = implementation else {
        return text
            + "echo \"build/netlist.json is ready; open tools do not place and route this FPGA, so there is no bitstream\"\n";
    };
    let place_and_route = implementation.placed_from("\"$seed\"");
    let log = place_and_route.log();
    let _ = write!(
        text,
        "met=no\n\
         for seed in $(seq 1 \"${{1:-{DEFAULT_SEEDS}}}\"); do\n  \
         echo \"{}, seed $seed\"\n  \
         {} || continue\n  \
         grep -qi 'hold/min time violation' {log} && continue\n  \
         grep 'Max frequency for clock' {log} | tail -n 1 | grep -q PASS && met=yes && break\n\
         done\n\
         if [ \"$met\" = no ]; then\n  \
         echo \"no placement meets timing: see the end of build/{log}\" >&2\n  \
         exit 1\n\
         fi\n",
        place_and_route.name,
        run(1, &place_and_route.arguments.join(" "), &log),
    );
    let pack = &implementation.pack;
    let packed = run(2, &pack.arguments.join(" "), &pack.log());
    let _ = writeln!(text, "echo {}\n{packed} || {{ rm -f {}; exit 3; }}", pack.name, implementation.bitstream);
    text + &format!("echo \"build/{} is ready\"\n", implementation.bitstream)
}

/// What comes before the commands.
const HEAD: &str = r#"#!/bin/sh
# Makes the bitstream: build.sh [SEEDS]. The tools are looked for in $XNORFORGE_TOOLS, where this command installs them:
#   python3 -m venv ~/.local/share/xnorforge/tools && \
#   ~/.local/share/xnorforge/tools/bin/pip install -r requirements.txt
# and on the PATH.
set -e
tools=$(realpath -m "${XNORFORGE_TOOLS:-$HOME/.local/share/xnorforge/tools}")
cd "$(dirname "$0")/.."
mkdir -p build
cd build
# Two builds at once would write into each other's files.
exec 9< ../manifest.json
if command -v flock > /dev/null && ! flock -n 9; then
  echo "another build works in this directory" >&2
  exit 3
fi
find_tool() {
  for program in "$tools/bin/yowasp-$1" "$tools/bin/$1" "$1" "yowasp-$1"; do
    command -v "$program" && return
  done
  echo "$1 is not installed: see the head of this script" >&2
  exit 3
}
"#;
