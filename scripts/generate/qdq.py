#!/usr/bin/env python3
"""Quantises the float networks of models/digits with onnxruntime's static quantiser and keeps what onnxruntime computes.

  pip install -r scripts/requirements.txt
  qdq.py             writes models/qdq: four models, and for each the outputs for the first 64 test images
  qdq.py --check     quantises and runs anew, compares with models/qdq, and looks at every quantised tensor

Per model: NAME.onnx and NAME.npy (onnxruntime on the CPU without graph optimisations: the quantised integers of the
output). `--check` also runs onnxruntime with all optimisations, and compares every integer that both ways compute with
exact rational arithmetic on the integers before it: a difference must be 1 and stand where the exact quotient is within
float32 rounding of the middle between two integers. Exit 0 only if that holds.
"""
import argparse
import copy
import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from exact_quantised import Exact

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DIGITS, FOLDER = os.path.join(ROOT, "models", "digits"), os.path.join(ROOT, "models", "qdq")
IMAGES = 64


class Images(CalibrationDataReader):
    """The calibration images, one at a time."""

    def __init__(self, images):
        self.images = iter(images)

    def get_next(self):
        image = next(self.images, None)
        return None if image is None else {"image": image[None]}


def without_batch_normalisation(model):
    """The model with each BatchNormalization in the weights of the convolution or product before it."""
    model = copy.deepcopy(model)
    graph = model.graph
    tensors = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    producers = {o: n for n in graph.node for o in n.output}
    for node in [n for n in graph.node if n.op_type == "BatchNormalization"]:
        before = producers[node.input[0]]
        gamma, beta, mean, variance = (tensors[name] for name in node.input[1:])
        epsilon = next((a.f for a in node.attribute if a.name == "epsilon"), 1e-5)
        factor = gamma / np.sqrt(variance + epsilon)
        weight, bias = tensors[before.input[1]], (beta - mean * factor).astype(np.float32)
        is_conv = before.op_type == "Conv"
        weight = weight * (factor[:, None, None, None] if is_conv else factor[None, :])
        name = f"{before.input[1]}_folded"
        graph.initializer.extend([numpy_helper.from_array(weight.astype(np.float32), name),
                                  numpy_helper.from_array(bias, f"{name}_bias")])
        before.input[1] = name
        before.op_type = "Conv" if is_conv else "Gemm"
        before.input.append(f"{name}_bias")
        before.output[0] = node.output[0]
        graph.node.remove(node)
    used = {name for node in graph.node for name in node.input}
    for tensor in [t for t in graph.initializer if t.name not in used]:
        graph.initializer.remove(tensor)
    return model


def with_residual(model, generator):
    """The model with a residual block before its first Flatten: a 3 x 3 convolution, added to what it reads."""
    model = copy.deepcopy(model)
    graph = model.graph
    at = next(i for i, n in enumerate(graph.node) if n.op_type == "Flatten")
    source, channels = graph.node[at].input[0], 12
    weight = generator.normal(0, 0.05, (channels, channels, 3, 3)).astype(np.float32)
    graph.initializer.extend([numpy_helper.from_array(weight, "branch_weight"),
                              numpy_helper.from_array(np.zeros(channels, np.float32), "branch_bias")])
    nodes = [helper.make_node("Conv", [source, "branch_weight", "branch_bias"], ["branch_out"], name="branch",
                              kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
             helper.make_node("Add", [source, "branch_out"], ["residual_out"], name="residual"),
             helper.make_node("Relu", ["residual_out"], ["residual_relu_out"], name="residual_relu")]
    for offset, node in enumerate(nodes):
        graph.node.insert(at + offset, node)
    graph.node[at + 3].input[0] = "residual_relu_out"
    return model


def ending_in_integers(model):
    """The model without the DequantizeLinear that makes scores of its last integers."""
    graph = model.graph
    last = next(n for n in graph.node if graph.output[0].name in n.output)
    if last.op_type != "DequantizeLinear":
        raise RuntimeError("the quantiser ends with a DequantizeLinear no more: see what it does now")
    zero_point = next(t for t in graph.initializer if t.name == last.input[2])
    graph.node.remove(last)
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(last.input[0], zero_point.data_type, [1, 10]))
    return model


UINT8, INT8 = QuantType.QUInt8, QuantType.QInt8
VARIANTS = {
    # name: (float network, residual block, format, activations, weights, one scale for each channel, options, integers out)
    "conv_qdq": ("digits_float", False, QuantFormat.QDQ, UINT8, INT8, True, {}, False),
    "residual_qdq_int8": ("digits_float", True, QuantFormat.QDQ, INT8, INT8, False, {"ActivationSymmetric": True}, False),
    "residual_qoperator": ("digits_float", True, QuantFormat.QOperator, UINT8, UINT8, False, {}, True),
    "mlp_qoperator_int8": ("digits_float_mlp", False, QuantFormat.QOperator, INT8, INT8, True, {}, False),
}


def quantised(name, images):
    source, residual, form, activations, weights, per_channel, options, integers_out = VARIANTS[name]
    model = without_batch_normalisation(onnx.load(os.path.join(DIGITS, source + ".onnx")))
    if residual:
        model = with_residual(model, np.random.default_rng(7))
    model.ir_version = 8
    with tempfile.TemporaryDirectory() as folder:
        before, after = os.path.join(folder, "float.onnx"), os.path.join(folder, "quantised.onnx")
        onnx.save(model, before)
        quantize_static(before, after, Images(images), quant_format=form, activation_type=activations,
                        weight_type=weights, per_channel=per_channel, extra_options=options)
        model = onnx.load(after)
    del model.graph.value_info[:]
    model.graph.name = name
    return ending_in_integers(model) if integers_out else model


def session(model, optimised):
    options = onnxruntime.SessionOptions()
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run(model, images, optimised):
    run = session(model, optimised)
    return np.concatenate([run.run(None, {"image": image[None]})[0] for image in images])


def is_exact(name, model, images, optimised):
    """Prints how far onnxruntime's integers are from exact arithmetic, and whether float32 excuses all of it."""
    model = copy.deepcopy(model)
    floats = {o for n in model.graph.node if n.op_type == "DequantizeLinear" for o in n.output}
    for node in model.graph.node:  # every tensor whose type is known: the integers
        if node.op_type in ("QuantizeLinear", "QLinearConv", "QGemm", "QLinearMatMul", "QLinearAdd"):
            if node.output[0] != model.graph.output[0].name:
                model.graph.output.append(helper.make_empty_tensor_value_info(node.output[0]))
        elif node.op_type in ("MaxPool", "Flatten") and not set(node.input) & floats:
            model.graph.output.append(helper.make_empty_tensor_value_info(node.output[0]))
    run = session(model, optimised)
    names = [o.name for o in run.get_outputs()]
    found = [run.run(names, {"image": image[None]}) for image in images]
    codes = {n: np.concatenate([f[i] for f in found]) for i, n in enumerate(names)}
    codes = {n: c for n, c in codes.items() if c.dtype.kind in "iu"}
    total = wrong = unexcused = 0
    for _, size, *more in Exact(model, images, codes).check():
        total, wrong, unexcused = total + size, wrong + more[0], unexcused + more[1]
    print(f"  {'optimised' if optimised else 'plain'}: {wrong} of {total} integers are not the nearest, "
          f"{unexcused} of these not within float32 rounding of the middle")
    return unexcused == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with what lies in models/qdq, write nothing")
    args = parser.parse_args()
    images = np.load(os.path.join(DIGITS, "test_images.npy")).astype(np.float32)
    images = images.reshape(-1, 1, 8, 8)
    labels = np.load(os.path.join(DIGITS, "test_labels.npy"))
    os.makedirs(FOLDER, exist_ok=True)
    failed = False
    for name in VARIANTS:
        path = os.path.join(FOLDER, name)
        model = quantised(name, images[IMAGES:IMAGES + 128])
        plain, optimised = (run(model, images, way) for way in (False, True))
        differs = int((plain[:IMAGES] != optimised[:IMAGES]).sum())
        right = (plain.argmax(1) == labels).mean()
        if args.check:
            failed |= not np.array_equal(np.load(path + ".npy"), plain[:IMAGES])
            failed |= onnx.load(path + ".onnx") != model
            for way in (False, True):
                failed |= not is_exact(name, model, images[:IMAGES], way)
        else:
            onnx.save(model, path + ".onnx")
            np.save(path + ".npy", plain[:IMAGES])
        print(f"{name}: {os.path.getsize(path + '.onnx')} bytes, {100 * right:.2f} % right, "
              f"optimised differs in {differs} of {plain[:IMAGES].size} outputs")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
