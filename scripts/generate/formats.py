#!/usr/bin/env python3
"""Writes docs/formats.md: what each method of models/methods becomes in hardware, and what that costs.

    python3 scripts/generate/formats.py             writes the document anew, with the stored LUT counts
    python3 scripts/generate/formats.py --check     fails where the document is not what would be written, or counts are of other Verilog
    python3 scripts/generate/formats.py --measure   synthesises the layers whose Verilog has changed, then writes the document

Compiles and runs every network; synthesis takes from ten seconds to some minutes for each of about thirty layers. Needs the
packages of scripts/requirements.txt.
"""

import argparse
import difflib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from format_layers import LAYER_OF, LAYERS, METHODS, PER_CYCLE, ROOT, WITH_255_THRESHOLDS, endings, layers_now, measure

DOCUMENT = ROOT / "docs" / "formats.md"
MEASURED = ROOT / "docs" / "formats.json"
DIGITS = ROOT / "models" / "digits"

DATAPATHS = {
    "bipolar": "weights ±1, a bit each: a lane counts as it is or complemented (XNOR where inputs are ±1), and all are added.",
    "products": "each lane is multiplied with a weight in sign and magnitude, then the products are added; 0 and ±1 need no adder.",
    "planes": "weights in two's complement, cut into bits: the lanes that have a bit are added, bit by bit, and the sums put "
              "together by shift and add.",
    "shifts": "weights that are sums of at most two signed powers of two: each lane is shifted and negated, not multiplied.",
    "groups": "weights that are 0 or ± the scale of their group of neighbouring inputs: a group's lanes are added as those of "
              "ternary weights, and each sum is multiplied by the scale.",
    "bases": "weights that are sums of a few factors with either sign: lanes count as with ±1 for each factor, and the counts "
             "times the factors, which are constants, are added.",
}

HEAD = """# Number formats

One row for each network of [models/methods](../models/methods/MODEL_CARD.md), which has a small network for every method:
number formats in the file and in hardware, cost of a multiply-accumulate, and correct answers of 450 test images of
handwritten digits. `python3 scripts/generate/formats.py` generates this page from the networks, from `report.json` and
`plan.json` of `xnorforge compile`, from `xnorforge run`, and from LUT counts stored in [formats.json](formats.json) by
`--measure`. Methods that do not quantise activations get 8-bit fixed-point activations by `--calibrate
models/digits/test_images.npy`, in all figures.
"""


def run(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr}")
    return done.stdout


def spelled(element):
    """A type of plan.json as reports write it."""
    if isinstance(element, str):
        return "±1" if element == "bipolar" else element
    (kind, fields), = element.items()
    return f"{'u' if kind == 'unsigned' else 'i'}{fields['bits']}"


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def row(cells):
    return "| " + " | ".join(cell(text) for text in cells) + " |\n"


def table(head, rows):
    return row(head) + "|" + "---|" * len(head) + "\n" + "".join(map(row, rows)) + "\n"


def dot_products(report):
    """The datapath of each dot product, layers of one kind together."""
    kinds = {}
    for stage in report["layers"]:
        if stage["datapath"]:
            found = re.match(r"weights (.*?), inputs (\S+?), ", stage["reason"])
            weights, inputs = found.group(1).replace("..=", " … ").replace("-", "−"), found.group(2).replace("bipolar", "±1")
            kinds.setdefault(f"{stage['datapath']}: {weights} times {inputs}", []).append(stage["name"])
    return "; ".join(f"{kind} ({', '.join(names)})" for kind, names in kinds.items())


def rest(plan):
    """What stands between the dot products: signs, steps and levels, and sums and products of activations."""
    network, found = plan["network"], {}
    for layer in network["layers"]:
        (kind, what), = layer["kind"].items() if isinstance(layer["kind"], dict) else [(layer["kind"], None)]
        if kind == "multi_threshold":
            values = sorted({value for function in what for value in function["values"]})
            output = spelled(network["tensors"][layer["output"]]["element"])
            steps = max(len(function["boundaries"]) for function in what)
            if output == "±1":
                found.setdefault("sign", None)
            elif values != list(range(values[0], values[-1] + 1)) and len(values) <= 8:
                found.setdefault(f"levels {', '.join(map(str, values)).replace('-', '−')} in {output}", None)
            else:
                found.setdefault(f"steps to {output}, at most {steps} thresholds", None)
        elif kind == "multiply":
            found.setdefault("product of two activations", None)
        elif kind in ("add", "table"):
            found.setdefault("sum of two activations", None)
    return "; ".join(found) or "none"


def deviations(method, report):
    said = list(method["deviations"])
    for noted in report["approximations"]:
        said.append(f"{noted['kind']} of `{noted['node']}`: {noted['format']}, relative mean squared error "
                    f"{noted['relative_mse']:.1e}.")
    return " ".join(said) or "none"


def measured_method(binary, name, method, room):
    calibrate = ["--calibrate", DIGITS / "test_images.npy"] if method["float_activations"] else []
    model = METHODS / f"{name}.onnx"
    run([binary, "compile", model, "-o", room / name, *calibrate])
    images = ["--input", DIGITS / "test_images.npy", "--labels", DIGITS / "test_labels.npy", "--json"]
    answers = json.loads(run([binary, "run", model, *calibrate, *images]))
    read = {file: json.loads((room / name / f"{file}.json").read_text()) for file in ["report", "plan"]}
    return read["report"], read["plan"], answers


def paper(method):
    year = f", {method['year']}" if method["year"] else ""
    authors = method["authors"].split(", ")
    short = authors[0] + (" et al." if len(authors) > 2 else f" and {authors[1]}" if len(authors) == 2 else "")
    return f"{method['title']} ({short}{year})"


def whole(stored, now, key, ending):
    """LUTs of a layer, and whether they were measured or only estimated."""
    counts = stored["layers"].get(key, {}).get(ending)
    return (counts["lut"], "") if counts else (now[key][ending]["estimate"], "≈ ")


def luts(stored, now, key, ending):
    count, about = whole(stored, now, key, ending)
    return f"{about}{count}"


def for_each(stored, now, key, ending):
    count, about = whole(stored, now, key, ending)
    return f"{about}{count / PER_CYCLE:.1f}"


def methods_tables(binary, methods, stored, now, room):
    formats, accuracies = [], []
    for name, method in methods.items():
        report, plan, answers = measured_method(binary, name, method, room)
        cost = for_each(stored, now, LAYER_OF[name], "sign")
        formats.append([f"`{name}`", paper(method), method["weights"], method["activations"], dot_products(report), rest(plan), cost])
        ours, count = answers["correct"], answers["images"]
        assert count == method["of"], f"{name}: {count} images, methods.json has {method['of']}"
        accuracies.append([f"`{name}`", method["correct"], ours, deviations(method, report)])
    text = "## Formats and hardware\n\n" + (
        "Weights and activations are those of the file. Dot products are listed with the integer weights found by the compiler, and with the layers. The last column is that of the measured layer below, with a sign as quantiser.\n\n")
    text += table(["network", "method", "weights", "activations", "dot products in hardware", "between them",
                   "LUTs per multiply-accumulate"], formats)
    text += "## Accuracy and deviations\n\n" + (
        "Correct answers of 450: of the file, by the qonnx executor, and of the hardware, after calibration and approximation. Deviations: first those of the training from the paper, then each approximation of the file's numbers. The calibration images are the test images, and 450 images are too few to rank methods: see the "
        "[model card](../models/methods/MODEL_CARD.md).\n\n")
    return text + table(["network", "file", "hardware", "deviations"], accuracies)


def layers_table(stored, now):
    rows = []
    for key, layer in LAYERS.items():
        with_own = f"{luts(stored, now, key, 'own')} ({for_each(stored, now, key, 'own')})" if "own" in endings(key) else "—"
        rows.append([layer.weights, layer.inputs, now[key]["sign"]["datapath"], now[key]["sign"]["reason"],
                     luts(stored, now, key, "sign"), for_each(stored, now, key, "sign"), layer.own, with_own,
                     ", ".join(f"`{name}`" for name in layer.methods)])
    text = "## The same layer in every format\n\n" + (
        f"32 inputs, 32 outputs, random weights of the format, PE 4 and SIMD 32: {PER_CYCLE} multiply-accumulates per clock cycle. "
        f"LUTs are those of {stored['yosys']} for ECP5 (`synth_ecp5 -nowidelut -abc9`, as in `build`; a carry cell counts as two "
        "LUTs, a distributed RAM as four), for the whole unit: datapath, weights, thresholds and input buffer, all in LUTs, and "
        "control. Each layer is measured with a sign as quantiser, and with the quantiser of the method, with thresholds per "
        "output, as after batch normalisation. The 255 thresholds of an 8-bit quantiser are measured once, with weights "
        f"{LAYERS[WITH_255_THRESHOLDS].weights}: their cost depends on the bits of the sums, hardly on the weights. The reason states "
        "the LUTs that the compiler counted for one output, by which it chooses the datapath. A number after ≈ is the estimate "
        "in `report.json`, where synthesis has not been run. `xnor_net_k`'s product with K is a separate unit, not counted here.\n\n")
    head = ["weights", "inputs", "datapath", "reason", "LUTs with a sign", "per multiply-accumulate", "quantiser of the method",
            "LUTs with it (per multiply-accumulate)", "networks"]
    return text + table(head, rows)


def document(binary, now):
    methods = json.loads((METHODS / "methods.json").read_text())["methods"]
    assert set(methods) == set(LAYER_OF), f"methods without a layer, or the other way round: {set(methods) ^ set(LAYER_OF)}"
    stored = json.loads(MEASURED.read_text())
    with tempfile.TemporaryDirectory() as room:
        text = HEAD + "\n" + methods_tables(binary, methods, stored, now, pathlib.Path(room))
    text += layers_table(stored, now) + "## Datapaths\n\n"
    return text + "".join(f"* `{name}`: {what}\n" for name, what in DATAPATHS.items())


def stale(now):
    """Layers whose counts are of other Verilog than `now`'s."""
    stored = json.loads(MEASURED.read_text())["layers"]
    pairs = [(key, ending) for key, of in now.items() for ending in of]
    return [f"{key}, {ending}" for key, ending in pairs
            if ending in stored.get(key, {}) and stored[key][ending]["digest"] != now[key][ending]["digest"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=ROOT / "target" / "release" / "xnorforge", type=pathlib.Path, help="the built program")
    parser.add_argument("--yosys", default="pyosys", help="a command, or the Python package pyosys")
    parser.add_argument("--check", action="store_true", help="change nothing, fail where something would")
    parser.add_argument("--measure", action="store_true", help="synthesise what has changed")
    arguments = parser.parse_args()
    binary = arguments.bin.resolve()
    if arguments.measure:
        measure(binary, arguments.yosys, MEASURED)
    now = layers_now(binary)
    old = stale(now)
    for layer in old:
        print(f"the LUT counts of {layer} are of other Verilog: run with --measure", file=sys.stderr)
    text = document(binary, now)
    if arguments.check:
        written = DOCUMENT.read_text() if DOCUMENT.exists() else ""
        sys.stderr.writelines(difflib.unified_diff(written.splitlines(True), text.splitlines(True), "docs/formats.md", "anew", n=0))
        sys.exit(1 if old or written != text else 0)
    DOCUMENT.write_text(text)
    sys.exit(1 if old else 0)


if __name__ == "__main__":
    main()
