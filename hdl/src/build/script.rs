//! The commands as files, for people without this program.

use super::stages::{bitstream, stages};
use crate::board::{Board, Family, TOP};
use std::fmt::Write;

/// The tools and their versions, for `pip install -r`.
pub const REQUIREMENTS: &str = include_str!("../../../constraints/requirements.txt");

/// `board/synthesis.ys`: what yosys does. `core` are the core's Verilog files.
pub fn synthesis_script(board: &Board, core: &[String]) -> String {
    let mut text = String::from("# Run in the folder build.\nread_verilog");
    for file in core {
        // Writing to a string cannot fail.
        let _ = write!(text, " ../rtl/{file}");
    }
    let synthesis = match board.facts.fpga.family {
        // Wide multiplexers are fast, which designs at a board's clock have no need of, and take a third more LUTs.
        Family::Ecp5 => "synth_ecp5 -nowidelut",
        Family::Ice40 => "synth_ice40 -device hx",
    };
    text += &format!(" ../board/{TOP}.v\n{synthesis} -abc9 -top {TOP}\n");
    text += "# A cell without a definition would be left out in silence.\nhierarchy -check\ncheck -assert\n";
    text + "write_json netlist.json\nwrite_verilog -noattr netlist.v\n"
}

/// `board/build.sh`: the build of [`stages`] with the first seed.
pub fn script(board: &Board) -> String {
    let mut text = String::from(
        "#!/bin/sh\n\
         # Makes the bitstream. The tools are looked for in $XNORFORGE_TOOLS, where this command installs them:\n\
         #   python3 -m venv ~/.local/share/xnorforge/tools && \\\n\
         #   ~/.local/share/xnorforge/tools/bin/pip install -r requirements.txt\n\
         # and on the PATH.\n\
         set -e\n\
         tools=$(realpath -m \"${XNORFORGE_TOOLS:-$HOME/.local/share/xnorforge/tools}\")\n\
         cd \"$(dirname \"$0\")/..\"\n\
         mkdir -p build\n\
         cd build\n\
         find_tool() {\n  \
           for program in \"$tools/bin/yowasp-$1\" \"$1\" \"yowasp-$1\"; do\n    \
             command -v \"$program\" && return\n  \
           done\n  \
           echo \"$1 is not installed: the head of this script tells how\" >&2\n  \
           exit 3\n\
         }\n",
    );
    let stages = stages(board, 1);
    for (number, stage) in stages.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "tool{number}=$(find_tool {})", stage.tool.name());
    }
    for (number, stage) in stages.iter().enumerate() {
        let arguments = stage.arguments.join(" ");
        let _ = writeln!(text, "echo {}\n\"$tool{number}\" {arguments} > {} 2>&1", stage.name, stage.log());
    }
    text + &format!(
        "echo \"build/{} is ready; the clock it can run at is told at the end of build/place_and_route.log\"\n",
        bitstream(board.facts.fpga.family)
    )
}
