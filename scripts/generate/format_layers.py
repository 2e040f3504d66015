"""The same layer of 32 inputs and 32 outputs in every number format of models/methods, and the LUTs that yosys makes of it."""

import argparse
import dataclasses
import hashlib
import importlib.metadata
import json
import pathlib
import re
import subprocess
import sys
import tempfile
from typing import Callable

import numpy
import onnx
from onnx import TensorProto, helper

ROOT = pathlib.Path(__file__).resolve().parents[2]
METHODS = ROOT / "models" / "methods"
sys.path[:0] = [str(METHODS), str(ROOT / "scripts" / "estimator")]
from check import magnitudes  # noqa: E402
from executor import weights as weights_of  # noqa: E402
from graph import QONNX, Graph  # noqa: E402

from estimator import CORE, counted, instances, netlist  # noqa: E402

SIZE, PE, SIMD = 32, 4, 32
# Products that the measured unit makes in a clock cycle.
PER_CYCLE = PE * SIMD
UNIT = "unit"


def drawn(values):
    """Weights drawn from `values`, all alike often."""
    return lambda rng: rng.choice(numpy.asarray(values, numpy.float64), (SIZE, SIZE))


def either_sign(values):
    return sorted({sign * value for value in values for sign in (-1, 1)})


def shipped(name, layer):
    """Weights drawn from the different ones of a layer of a shipped network."""
    return lambda rng: drawn(numpy.unique(weights_of(str(METHODS / f"{name}.onnx"))[layer]))(rng)


def in_groups(rng):
    """Ternary weights with a scale of 8 bits for every four inputs of an output."""
    scales = rng.integers(1, 256, (SIZE, SIZE // 4)).repeat(4, axis=1)
    return rng.choice([-1.0, 0.0, 1.0], (SIZE, SIZE)) * scales


WEIGHTS = {
    "±1": drawn([-1, 1]),
    "0, ±1": drawn([-1, 0, 1]),
    "0, ±1, ±2": drawn(either_sign([0, 1, 2])),
    "0, ±1, ±2, ±4": drawn(either_sign([0, 1, 2, 4])),
    "±1, ±3": drawn(either_sign([1, 3])),
    "±1, ±3, ±5, ±7": drawn(either_sign([1, 3, 5, 7])),
    "two magnitudes and 0": shipped("ttq", "conv2"),
    "sums of three bases": shipped("abc_net", "conv2"),
    "0, ±1, ±2, ±4 … ±128": drawn(either_sign([0] + [2**power for power in range(8)])),
    "sums of two powers of two": drawn(either_sign(magnitudes("two_powers"))),
    "0, ±1 times a scale for 4 inputs": in_groups,
    "−127 … 127": drawn(range(-127, 128)),
}


def unsigned(bits, bound):
    return lambda graph, x, name: graph.quant(x, name, bits, bound / (2**bits - 1), signed=False)


def sign(graph, x, name):
    return graph.bipolar(x, name)


def shifted_down(graph, x, name, bound=127):
    """As zfnet_8bit has it: 0 to 127 in 8 signed bits, cut off downwards."""
    positive = graph.node("Relu", [x], f"{name}_relu")
    return graph.quant(positive, name, 8, bound / 127, signed=True, rounding="FLOOR")


def without_sign(graph, x, name, bound=127):
    """As quant_py_linear has it: 8 bits in two's complement, then ReLU."""
    return graph.node("Relu", [graph.quant(x, name, 8, bound / 127, signed=True)], f"{name}_relu")


def half_wave(graph, x, name):
    return graph.thresholds(x, name, [0.0, 0.807, 1.345], 0.538, 2, "NC")


def half_wave_unequal(graph, x, name):
    if x == "image":
        x = graph.quant(x, f"{name}_fine", 6, 0.125, signed=True)
    first = graph.thresholds(x, f"{name}_1", [0.0], 0.453, 1, "NC")
    second = graph.thresholds(x, f"{name}_2", [0.9815], 1.057, 1, "NC")
    return graph.node("Add", [first, second], name)


def above_a_threshold(graph, x, name):
    return graph.thresholds(x, name, [0.25, 0.95, 1.65], 0.7, 2, "NC")


def residual(graph, x, name):
    """Signs of x and of what they leave, the factors being horq's."""
    x = graph.quant(x, f"{name}_fine", 6, 0.125, signed=True)
    first = graph.bipolar(x, f"{name}_1", 0.793542)
    left = graph.node("Sub", [x, first], f"{name}_left")
    return graph.node("Add", [first, graph.bipolar(left, f"{name}_2", 0.455504)], name)


def shifted_signs(graph, x, name):
    """Two signs of one number, shifts and factors being abc_net's. A layer's sum is a number already, an image becomes one."""
    if x == "image":
        x = graph.quant(x, f"{name}_fine", 6, 0.125, signed=True)
    planes = []
    for number, (shift, beta) in enumerate([(0.174494, 0.41517), (-0.437084, 0.604677)], 1):
        moved = graph.node("Add", [x, graph.constant(f"{name}_shift{number}", shift)], f"{name}_moved{number}")
        planes.append(graph.bipolar(moved, f"{name}_{number}", beta))
    return graph.node("Add", planes, name)


def by_calibration(graph, x, name):
    return unsigned(8, 3.0)(graph, x, name)


@dataclasses.dataclass
class Layer:
    """One format: weights, what they are multiplied with, and what the method makes of the sums."""

    weights: str
    inputs: str
    quantise_input: Callable
    own: str
    quantise: Callable
    methods: list


U8 = ("8 bits unsigned", unsigned(8, 255.0))
FIXED = ("8 bits unsigned, equal steps", by_calibration)
# Every method once. Sums come to the quantiser with a standard deviation of about 1.
LAYERS = {
    "sign": Layer("±1", "±1", sign, "sign", sign,
                  ["bnn", "bnn_shift", "bitwise", "xnor_net", "xnor_net_k", "fp_bnn", "bn_free", "input_reuse"]),
    "sign_u8": Layer("±1", *U8, *FIXED, ["binary_connect", "bwn", "bwnh", "admm_binary"]),
    "sign_u2": Layer("±1", "2 bits unsigned", unsigned(2, 3.0), "2 bits, thresholds 0, 0.807, 1.345", half_wave, ["hwgq"]),
    "sign_levels": Layer("±1", "levels 0, 0.453, 1.51", half_wave_unequal, "levels 0, 0.453, 1.51", half_wave_unequal,
                         ["hwgq_nonuniform"]),
    "sign_residual": Layer("±1", "±0.794 ±0.456", residual, "sign and sign of the rest, ±0.794 ±0.456", residual, ["horq"]),
    "ternary_u8": Layer("0, ±1", *U8, *FIXED, ["twn", "admm_ternary"]),
    "ternary_u2": Layer("0, ±1", "2 bits unsigned", unsigned(2, 3.0), "2 bits, equal steps above a threshold",
                        above_a_threshold, ["tsq"]),
    "two_magnitudes": Layer("two magnitudes and 0", *U8, *FIXED, ["ttq"]),
    "up_to_2": Layer("0, ±1, ±2", *U8, *FIXED, ["admm_2"]),
    "up_to_4": Layer("0, ±1, ±2, ±4", *U8, *FIXED, ["admm_4"]),
    "odd_3": Layer("±1, ±3", "2 bits unsigned", unsigned(2, 3.0), "2 bits unsigned, equal steps", unsigned(2, 3.0), ["dorefa"]),
    "odd_7": Layer("±1, ±3, ±5, ±7", "3 bits unsigned", unsigned(3, 7.0), "3 bits unsigned, equal steps", unsigned(3, 3.0),
                   ["pact"]),
    "bases": Layer("sums of three bases", "±0.415 ±0.605", shifted_signs, "two shifted signs, ±0.415 ±0.605", shifted_signs,
                   ["abc_net"]),
    "powers": Layer("0, ±1, ±2, ±4 … ±128", *U8, *FIXED, ["inq"]),
    "two_powers": Layer("sums of two powers of two", *U8, *FIXED, ["shift_cnn"]),
    "groups": Layer("0, ±1 times a scale for 4 inputs", *U8, *FIXED, ["fgq"]),
    "integers_i8": Layer("−127 … 127", "0 … 127 in 8 bits", shifted_down, "0 … 127, cut off downwards",
                         lambda graph, x, name: shifted_down(graph, x, name, 3.0), ["zfnet_8bit"]),
    "integers_u7": Layer("−127 … 127", "7 bits unsigned", unsigned(7, 127.0), "8 bits in two's complement, then ReLU",
                         lambda graph, x, name: without_sign(graph, x, name, 3.0), ["quant_py_linear"]),
}
LAYER_OF = {method: key for key, layer in LAYERS.items() for method in layer.methods}
# The layer whose 255 thresholds stand for those of all others: their cost hangs on the sums' bits alone.
WITH_255_THRESHOLDS = "sign_u8"


def endings(key):
    """What follows the sums in the measurements of a layer: a sign, and what the method has."""
    layer = LAYERS[key]
    other = layer.quantise is not sign and (layer.quantise is not by_calibration or key == WITH_255_THRESHOLDS)
    return {"sign": sign} | ({"own": layer.quantise} if other else {})


def measurements():
    """All pairs of layer and ending, the quick ones first."""
    slow = [WITH_255_THRESHOLDS, "integers_i8", "integers_u7"]
    pairs = [(key, ending) for key in LAYERS for ending in endings(key)]
    return sorted(pairs, key=lambda pair: (pair[1] == "own", pair[0] in slow))


def write_network(path, key, ending):
    """The layer with the weights of its format, always the same ones."""
    layer = LAYERS[key]
    rng = numpy.random.default_rng(list(key.encode()))
    weights = WEIGHTS[layer.weights](rng)
    graph = Graph("layer")
    inputs = layer.quantise_input(graph, "image", "input")
    sums = graph.node("MatMul", [inputs, graph.constant("weights", weights.T)], UNIT)
    # Inputs spread evenly over their codes have about this deviation.
    reach = {"8 bits unsigned": 74.0, "7 bits unsigned": 37.0, "0 … 127 in 8 bits": 37.0, "3 bits unsigned": 2.3, "2 bits unsigned": 1.1}
    deviation = numpy.sqrt((weights**2).sum(axis=1).mean()) * reach.get(layer.inputs, 1.0)
    scaled = graph.node("Mul", [sums, graph.constant("one_over_deviation", 1.0 / deviation)], "scaled")
    # Every output has thresholds of its own, as after batch normalisation.
    moved = graph.node("Add", [scaled, graph.constant("biases", rng.uniform(-0.5, 0.5, (1, SIZE)))], "moved")
    outputs = endings(key)[ending](graph, moved, "output")
    # A network ends with a dot product.
    graph.node("MatMul", [outputs, graph.constant("ones", numpy.ones((SIZE, 1)))], "answer")
    info = helper.make_tensor_value_info
    made = helper.make_graph(
        graph.nodes, "layer", [info("image", TensorProto.FLOAT, [1, SIZE])], [info("answer_out", TensorProto.FLOAT, [1, 1])],
        initializer=list(graph.constants.values()))
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(QONNX, 2)]
    onnx.save(helper.make_model(made, opset_imports=opsets, ir_version=8), path)


def reachable(verilog, module):
    """Names of a module and of those within."""
    found, waiting = [], [module]
    while waiting:
        name = waiting.pop()
        if name not in found and re.search(rf"^module {name}\b", verilog, re.M):
            found.append(name)
            waiting += instances(verilog, name).values()
    return sorted(found)


def digest_of(folder, module):
    """Hash of the unit's Verilog and memories."""
    verilog = (folder / "rtl" / "xnorforge_core.v").read_text()
    text = "".join(re.search(rf"^module {name}\b.*?^endmodule", verilog, re.S | re.M).group(0) for name in reachable(verilog, module))
    memories = sorted(path for path in (folder / "rtl").glob("*.mem") if path.name in text)
    return hashlib.sha256(text.encode() + b"".join(path.read_bytes() for path in memories)).hexdigest()[:16]


def compiled(binary, key, ending, folder):
    """Compiles one layer: its unit's module, the digest of that, and what the report says of it."""
    folder.mkdir(parents=True)
    write_network(folder / "layer.onnx", key, ending)
    (folder / "folding.json").write_text(json.dumps({UNIT: {"pe": PE, "simd": SIMD}, "answer": {"pe": 1, "simd": PE}}))
    out = folder / "out"
    done = subprocess.run([binary, "compile", folder / "layer.onnx", "-o", out, "--folding", folder / "folding.json"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"layer {key}, {ending}: {done.stderr}")
    report = json.loads((out / "report.json").read_text())
    unit = next(stage for stage in report["layers"] if (stage["name"], stage["kind"]) == (UNIT, "matrix_vector_unit"))
    assert (unit["pe"], unit["simd"], unit["cycles"]) == (PE, SIMD, SIZE * SIZE // PER_CYCLE), unit
    kind = {memory["role"]: memory["kind"] for memory in unit["memories"]}["weights"]
    assert kind == "lut", f"layer {key}: the weights are in {kind} memory"
    module = instances((out / "rtl" / "xnorforge_core.v").read_text(), CORE)[unit["stage"]]
    return out, module, {"digest": digest_of(out, module), "datapath": unit["datapath"], "reason": unit["reason"], "estimate": unit["estimate"]["lut"]}


def layers_now(binary):
    """Of each layer and ending what `binary` makes of it."""
    found = {key: {} for key in LAYERS}
    with tempfile.TemporaryDirectory() as room:
        for key, ending in measurements():
            found[key][ending] = compiled(binary, key, ending, pathlib.Path(room) / key / ending)[2]
    return found


def version(yosys):
    """What yosys says it is, without the commit it was built from."""
    if yosys == "pyosys":
        return f"Yosys {importlib.metadata.version('pyosys')}"
    done = subprocess.run([yosys, "-V"], capture_output=True, text=True, check=True)
    return done.stdout.split("(")[0].split("+")[0].strip()


def measure(binary, yosys, path):
    """Synthesises the units that are not those measured before, and writes the counts."""
    stored = json.loads(path.read_text()) if path.exists() else {}
    if stored.get("yosys") != version(yosys):
        stored = {"yosys": version(yosys), "layers": {}}
    known = {key: {ending: stored["layers"].get(key, {}).get(ending) for ending in endings(key)} for key in LAYERS}
    for key, ending in measurements():
        with tempfile.TemporaryDirectory() as room:
            out, module, found = compiled(binary, key, ending, pathlib.Path(room) / "layer")
            before = known[key][ending] or {}
            if before.get("digest") == found["digest"]:
                counts = {name: before[name] for name in ["lut", "ff"]}
            else:
                cells = netlist(argparse.Namespace(yosys=yosys), out, "ecp5", module)[module]
                counts = counted(cells, "ecp5")
                assert counts.pop("bram") == 0, f"{key}: block RAM in a unit whose memories are LUTs"
                print(f"{key}, {ending}: {counts}", file=sys.stderr, flush=True)
            known[key][ending] = found | counts
        stored["layers"] = {key: {e: value for e, value in of.items() if value} for key, of in known.items()}
        write(path, stored)


def write(path, stored):
    path.write_text(json.dumps(stored, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
