#!/usr/bin/env python3
"""Fits the resource estimator to what yosys makes of random designs, and checks it on others.

    python3 scripts/estimator/estimator.py sweep   writes scripts/estimator/samples.json: counts of each stage of many designs
    python3 scripts/estimator/estimator.py refresh writes their features anew, after a change of the features alone
    python3 scripts/estimator/estimator.py fit     writes compiler/src/estimate/coefficients.json from them
    python3 scripts/estimator/estimator.py check   compares estimates of the designs of scripts/estimator/unseen.json, flattened and
                                         with their devices, with synthesis, and writes the error into coefficients.json
    python3 scripts/estimator/estimator.py all     sweep, fit, check

Designs come from the example `estimator_designs` of the crate `flow`. For the sweep each stage stays a module of its own, so
that its cells can be counted. Needs numpy, and yosys as the Python package `pyosys` or a command (`--yosys`).
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "scripts" / "estimator"
COEFFICIENTS = ROOT / "compiler" / "src" / "estimate" / "coefficients.json"
FAMILIES = ["ecp5", "ice40", "gowin", "xilinx7"]
# As `flow::build` synthesises.
SYNTHESIS = {
    "ecp5": "synth_ecp5 -nowidelut -abc9",
    "ice40": "synth_ice40 -device hx -abc9",
    "gowin": "synth_gowin -abc9",
    "xilinx7": "synth_xilinx -family xc7 -abc9",
}
# Seeds of the designs that are fitted to.
FIT_SEEDS = {
    "ecp5": [*range(1, 25), *range(5001, 5013)],
    "ice40": [*range(1, 17), *range(5001, 5009)],
    "gowin": [*range(1, 9), *range(5001, 5007)],
    "xilinx7": [*range(1, 9), *range(5001, 5007)],
}
# Parts of the device that are one kind of their own.
CONVERTERS = {"input_converter", "output_converter"}
CORE, DEVICE = "xnorforge_core", "xnorforge_device"


def run_yosys(command, folder, script):
    """Runs the lines of `script` in `folder`, quietly."""
    if command == "pyosys":
        # In a process of its own: the package prints, and leaves files open until it ends.
        program = (
            "import os, sys\n"
            "out = os.open(os.devnull, os.O_WRONLY); os.dup2(out, 1)\n"
            "from pyosys import libyosys\n"
            "design = libyosys.Design()\n"
            "for line in sys.stdin.read().splitlines(): libyosys.run_pass(line, design)\n"
        )
        done = subprocess.run([sys.executable, "-c", program], input=script, text=True, cwd=folder, capture_output=True)
    else:
        lines = "; ".join(script.splitlines())
        done = subprocess.run([command, "-q", "-p", lines], text=True, cwd=folder, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"yosys in {folder}: {done.stderr[-2000:]}")


def instances(verilog, module):
    """Type of each instance in a module of the emitted Verilog."""
    text = re.search(rf"^module {module}\b.*?^endmodule", verilog, re.S | re.M).group(0)
    return {name: kind for kind, name in re.findall(r"^  (\w+)(?: #\(.*\))? (\w+) \($", text, re.M) if kind != "module"}


def is_flip_flop(kind):
    return kind.startswith(("TRELLIS_FF", "SB_DFF", "DFF", "FDRE", "FDSE", "FDCE", "FDPE"))


def counted(module, family):
    """LUT places, flip-flops and block RAMs of a module of a netlist."""
    cells = module["cells"].values()
    kinds = {}
    for cell in cells:
        kinds[cell["type"]] = kinds.get(cell["type"], 0) + 1

    def total(weights):
        return sum(weight * count for kind, count in kinds.items() for name, weight in weights.items() if kind == name)

    flip_flops = sum(count for kind, count in kinds.items() if is_flip_flop(kind))
    if family == "ecp5":
        lut = total({"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 4})
        bram = total({"DP16KD": 1})
    elif family == "ice40":
        # A flip-flop shares the logic cell of the LUT that feeds it and nothing else.
        drivers, readers = {}, {}
        for cell in cells:
            for port, bits in cell["connections"].items():
                side = drivers if cell["port_directions"].get(port) == "output" else readers
                for bit in bits:
                    if side is drivers:
                        drivers[bit] = cell["type"]
                    else:
                        readers[bit] = readers.get(bit, 0) + 1
        outputs = [bit for port in module["ports"].values() if port["direction"] == "output" for bit in port["bits"]]
        for bit in outputs:
            readers[bit] = readers.get(bit, 0) + 1
        alone = 0
        for cell in cells:
            if is_flip_flop(cell["type"]):
                bit = cell["connections"]["D"][0]
                alone += not (drivers.get(bit) == "SB_LUT4" and readers.get(bit, 0) == 1)
        lut = total({"SB_LUT4": 1}) + alone
        bram = total({"SB_RAM40_4K": 1})
    elif family == "gowin":
        lut = total({"LUT1": 1, "LUT2": 1, "LUT3": 1, "LUT4": 1, "ALU": 1, "RAM16SDP4": 4, "RAM16SDP2": 2, "RAM16SDP1": 1})
        names = ["SDPB", "SDPX9B", "pROM", "pROMX9", "DPB", "DPX9B", "SP", "SPX9"]
        bram = total({name: 1 for name in names})
    else:
        lut = total({f"LUT{size}": 1 for size in range(1, 7)} | {"RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2})
        lut += total({"SRL16E": 1, "SRLC32E": 1})
        bram = total({"RAMB18E1": 1, "RAMB36E1": 2})
    return {"lut": lut, "ff": flip_flops, "bram": bram}


def design_folder(folder):
    core = (folder / "rtl" / "xnorforge_core.v").read_text()
    board = (folder / "board" / "xnorforge_board.v").read_text()
    stages = json.loads((folder / "stages.json").read_text())["stages"]
    return core, board, stages


def netlist(arguments, folder, family, top, keep=()):
    """The modules that are left after synthesis, by the names they have in Verilog."""
    files = ["xnorforge_core.v"] + (["../board/xnorforge_board.v"] if top == DEVICE else [])
    # In yosys' own folder: as WebAssembly it has another /tmp.
    path, kept = folder / "rtl" / "netlist.json", folder / "rtl" / "kept.v"
    # In the text, because yosys makes modules with parameters anew.
    kept.write_text(re.sub(
        r"^module (\w+)", lambda found: "(* keep_hierarchy *) " * (found[1] in keep) + found[0],
        "".join((folder / "rtl" / file).read_text() for file in files), flags=re.M))
    script = f"read_verilog -sv {kept.name}\n{SYNTHESIS[family]} -top {top}\nwrite_json {path.name}\n"
    run_yosys(arguments.yosys, folder / "rtl", script)
    modules = json.loads(path.read_text())["modules"]
    path.unlink()
    kept.unlink()
    # `$paramod\name\MEM_DIR=…` or `$paramod$hash\name`.
    found = {}
    for name, module in modules.items():
        name = re.sub(r"^\$paramod(?:\$\w+)?\\(\w+).*", r"\1", name, flags=re.S)
        assert name not in found, f"two modules of {name} are left"
        found[name] = module
    return found


def has_device(seed):
    """The device around the core is much the same everywhere, so it is not synthesised with each."""
    return seed % 8 == 0


def of_core(stages):
    return [stage for stage in stages if stage["name"] not in {"shell", *CONVERTERS}]


def sweep_one(arguments, family, folder):
    """Features and counts of each stage of a design, and with some of the device around it."""
    core, board, stages = design_folder(folder)
    seed = int(folder.name)
    kinds = instances(core, CORE)
    keep = set(kinds.values())
    if has_device(seed):
        kinds |= {name: kind for name, kind in instances(board, DEVICE).items() if name in CONVERTERS}
        keep = {*kinds.values(), CORE}
        # What is left around the core and the converters.
        kinds["shell"] = DEVICE
        modules = netlist(arguments, folder, family, DEVICE, keep)
    else:
        stages = of_core(stages)
        modules = netlist(arguments, folder, family, CORE, keep)
    return [
        {"design": seed, **stage, "measured": counted(modules[kinds[stage["name"]]], family)} for stage in stages
    ]


def emit(arguments, folder, family, first, count):
    command = [arguments.emitter]
    if not arguments.emitter:
        command = ["cargo", "run", "--quiet", "--release", "-p", "xnorforge-flow", "--example", "estimator_designs", "--"]
    subprocess.run([*command, str(folder), family, str(first), str(count)], check=True, cwd=ROOT)


def emit_all(arguments, folder, family, seeds):
    for seed in seeds:
        emit(arguments, folder, family, seed, 1)


def in_parallel(arguments, work, folders):
    """Results of `work` on each folder, in order."""
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        futures = [pool.submit(work, folder) for folder in folders]
        for number, future in enumerate(futures):
            yield future.result()
            print(f"\r{number + 1} of {len(futures)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def sweep(arguments):
    DATA.mkdir(exist_ok=True)
    path = DATA / "samples.json"
    samples = json.loads(path.read_text()) if path.exists() else {}
    for family in arguments.families:
        with tempfile.TemporaryDirectory() as room:
            known = {sample["design"] for sample in samples.get(family, [])} if arguments.resume else set()
            seeds = [seed for seed in FIT_SEEDS[family] if seed not in known]
            emit_all(arguments, room, family, seeds)
            folders = [pathlib.Path(room) / str(seed) for seed in seeds]
            found = in_parallel(arguments, lambda folder: sweep_one(arguments, family, folder), folders)
            before = samples.get(family, []) if arguments.resume else []
            samples[family] = before + [sample for design in found for sample in design]
        write_lines(path, samples)


def refresh(arguments):
    """Features anew, for the same designs: what the program makes of them now. Counts stay."""
    path = DATA / "samples.json"
    samples = json.loads(path.read_text())
    for family in arguments.families:
        with tempfile.TemporaryDirectory() as room:
            emit_all(arguments, room, family, FIT_SEEDS[family])
            for sample in samples[family]:
                _, _, stages = design_folder(pathlib.Path(room) / str(sample["design"]))
                sample |= next(stage for stage in stages if stage["name"] == sample["name"])
    write_lines(path, samples)


def write_lines(path, samples):
    """JSON with one sample a line."""
    parts = []
    for family in sorted(samples):
        lines = ",\n".join("  " + json.dumps(sample, sort_keys=True) for sample in samples[family])
        parts.append(f' "{family}": [\n{lines}\n ]')
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def non_negative_least_squares(matrix, target, iterations=20000):
    """Coordinate descent: exact in the limit, and there are few columns."""
    gram, image = matrix.T @ matrix, matrix.T @ target
    solution = numpy.zeros(matrix.shape[1])
    for _ in range(iterations):
        before = solution.copy()
        for column in range(len(solution)):
            if gram[column, column] > 0:
                step = (image[column] - gram[column] @ solution) / gram[column, column]
                solution[column] = max(0.0, solution[column] + step)
        if numpy.abs(solution - before).max() < 1e-9:
            break
    return solution


# Stages of a kind below which those of other families help.
FEW = 8
# What one of them counts beside one of the family.
HELP = 0.2


def fit_one(samples, resource, family_only):
    """Coefficients of a kind's features; of the first `family_only` samples what they come to, and what was counted."""
    names = sorted({name for sample in samples for name in sample[resource]})
    matrix = numpy.array([[sample[resource].get(name, 0.0) for name in names] for sample in samples])
    target = numpy.array([sample["measured"][resource] for sample in samples], float)
    # Errors count in proportion to a stage's size; small stages no more than as if they had so many.
    weight = 1.0 / (target + 30.0)
    weight[family_only:] *= HELP
    scale = numpy.abs(matrix).max(axis=0)
    scale[scale == 0] = 1.0
    solution = non_negative_least_squares(matrix * weight[:, None] / scale, target * weight) / scale
    found = matrix @ solution
    coefficients = {name: round(float(value), 5) for name, value in zip(names, solution)}
    return coefficients, found[:family_only], target[:family_only]


def fit(arguments):
    samples = json.loads((DATA / "samples.json").read_text())
    fitted = json.loads(COEFFICIENTS.read_text()) if COEFFICIENTS.exists() else {}
    for family in arguments.families:
        before = fitted.get(family, {})
        kinds = {}
        for kind in sorted({sample["kind"] for found in samples.values() for sample in found}):
            own = [sample for sample in samples.get(family, []) if sample["kind"] == kind]
            others = [sample for other in samples if other != family for sample in samples[other]]
            helping = [sample for sample in others if sample["kind"] == kind] if len(own) < FEW else []
            entry = {}
            for resource in ["lut", "ff"]:
                entry[resource], found, target = fit_one(own + helping, resource, len(own))
                spread = numpy.abs(found - target).sum() / max(target.sum(), 1.0)
                print(f"{family} {kind} {resource}: {len(own)} stages and {len(helping)} of others, off by {100 * spread:.1f} % on average")
            kinds[kind] = entry
        wrong = [s for s in samples.get(family, []) if s["bram"] != s["measured"]["bram"]]
        print(f"{family}: block RAMs of {len(wrong)} of {len(samples.get(family, []))} stages differ from the rule")
        for sample in wrong:
            print(f"  {sample['design']} {sample['name']}: {sample['measured']['bram']}, by rule {sample['bram']}")
        fitted[family] = {**before, "kinds": kinds}
    COEFFICIENTS.write_text(json.dumps(fitted, indent=1, sort_keys=True) + "\n")


def estimated(stages, family, fitted):
    """What the program computes: the same sums."""
    total = {"lut": 0.0, "ff": 0.0, "bram": 0}
    for stage in stages:
        coefficients = fitted[family]["kinds"].get(stage["kind"], {})
        for resource in ["lut", "ff"]:
            known = coefficients.get(resource, {})
            total[resource] += round(sum(known.get(name, 0.0) * value for name, value in stage[resource].items()))
        total["bram"] += stage["bram"]
    return total


def check(arguments):
    unseen = json.loads((DATA / "unseen.json").read_text())
    fitted = json.loads(COEFFICIENTS.read_text())
    fine = True
    for family in arguments.families:
        seeds = unseen["seeds"][family]

        def compare(folder):
            _, _, stages = design_folder(folder)
            top = DEVICE if has_device(int(folder.name)) else CORE
            if top == CORE:
                stages = of_core(stages)
            measured = counted(netlist(arguments, folder, family, top)[top], family)
            return int(folder.name), stages, measured

        worst = {"lut": 0.0, "ff": 0.0, "bram": 0.0}
        with tempfile.TemporaryDirectory() as room:
            emit_all(arguments, room, family, seeds)
            folders = [pathlib.Path(room) / str(seed) for seed in seeds]
            for seed, stages, measured in in_parallel(arguments, compare, folders):
                found = estimated(stages, family, fitted)
                errors = {name: 100.0 * (found[name] - measured[name]) / max(measured[name], 1) for name in worst}
                for name, error in errors.items():
                    worst[name] = max(worst[name], abs(error))
                text = ", ".join(f"{name} {found[name]:.0f} of {measured[name]} ({errors[name]:+.1f} %)" for name in worst)
                print(f"\r{family} design {seed}: {text}")
        accuracy = {f"{name}_percent": round(error, 1) for name, error in worst.items()}
        fitted[family]["accuracy"] = {"designs": len(seeds), **accuracy}
        print(f"{family}: {accuracy}")
        within = all(worst[name] <= unseen["most_percent"] for name in ["lut", "bram"])
        fine &= within or family not in unseen["held_to"]
    if not arguments.no_write:
        COEFFICIENTS.write_text(json.dumps(fitted, indent=1, sort_keys=True) + "\n")
    return fine


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["sweep", "refresh", "fit", "check", "all"])
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=FAMILIES)
    parser.add_argument("--yosys", default="pyosys", help="a command, or the Python package pyosys")
    parser.add_argument("--emitter", help="the built example estimator_designs, instead of building it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--resume", action="store_true", help="sweep only designs that samples.json lacks")
    parser.add_argument("--no-write", action="store_true", help="leave coefficients.json as it is when checking")
    arguments = parser.parse_args()
    fine = True
    for step, work in [("sweep", sweep), ("fit", fit), ("check", check)]:
        if arguments.step in [step, "all"]:
            fine = work(arguments) is not False
    if arguments.step == "refresh":
        refresh(arguments)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
