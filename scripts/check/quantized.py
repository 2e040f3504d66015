#!/usr/bin/env python3
"""Compares files that `BIN quantize` writes with an independent executor.

  pip install -r scripts/requirements.txt
  quantized.py --bin target/release/xnorforge [--models models/digits] [--count 50] [--schemes twn inq:5 ...]

Quantises the float networks in the folder by each scheme, with calibrated activations; checks each file with onnx.checker
and runs it with the PyPI package qonnx, one image at a time. Its scores must be those of BIN run on the file up to 1e-4 of
the image's largest. Images where float32 rounding moves an activation by a step are counted and may differ by 2 %; at most
one image in ten may be such. Where weights were moved to a grid (BIN info says so) or have none, the right answers of the
file must be as many as BIN quantize says of it, give or take one image in fifty.
Last line: 'N passed, N failed'. Exit 0 only if all passed and at least one ran, 1 on failures, 2 on usage.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

MODELS = ["digits_float", "digits_float_mlp"]
SCHEMES = ["bwn", "bwnh", "twn", "twn/channel", "tsq", "ttq", "fgq:4", "admm:ternary", "admm:4/channel", "inq:4", "inq:5",
           "shiftcnn:2,4", "abc:3", "abc:5/channel", "horq:3", "dorefa:1", "dorefa:4", "hwgq:3", "linear:4", "minmax:4",
           "log:4", "tanh:6"]
ACTIVATIONS = ["8", "any:6", "hwgq:2"]  # in turn


def call(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"exit {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def executed(path, images):
    model = ModelWrapper(path)
    name, output = model.graph.input[0].name, model.graph.output[0].name
    shape = model.get_tensor_shape(name)
    inputs = [image.astype(np.float32).reshape(shape) for image in images]
    return np.stack([execute_onnx(model, {name: image})[output][0] for image in inputs])


def check(args, model, scheme, activations, folder, images, labels):
    """None where the file is right, else one sentence; and a remark."""
    out, scores = os.path.join(folder, "out.onnx"), os.path.join(folder, "y.npy")
    x, y = os.path.join(folder, "x.npy"), os.path.join(folder, "l.npy")
    np.save(x, images)
    np.save(y, labels)
    report = json.loads(call([args.bin, "quantize", os.path.join(args.models, model + ".onnx"), "--scheme", scheme,
                              "--calibrate", x, "--labels", y, "--activations", activations, "-o", out, "--json"]))
    onnx.checker.check_model(out, full_check=False)
    want = executed(out, images)
    correct = int((want.argmax(1) == labels).sum())
    info = subprocess.run([args.bin, "info", out], capture_output=True, text=True, timeout=300)
    has_no_grid = info.returncode == 2 and "weights_not_quantised" in info.stderr
    if has_no_grid or "inexact: the weights" in info.stdout:
        told = report["accuracy"]["correct_after"]
        fault = abs(told - correct) > len(images) // 50
        remark = f"{'no grid' if has_no_grid else 'weights moved'}; {told} right answers told, {correct} found"
        return remark if fault else None, remark
    call([args.bin, "run", out, "--input", x, "--output", scores])
    got = np.load(scores)
    got = got.reshape(want.shape)
    top = np.abs(want).max(1, keepdims=True)
    apart = (np.abs(got - want) / top).max(1)
    moved = int((apart > 1e-4).sum())
    if moved > len(images) // 10 or apart.max() > 0.02:
        return f"{moved} of {len(images)} images differ, by up to {apart.max():.2e} of the largest score", None
    return None, f"{moved} of {len(images)} images within float32 rounding of a step, at most {apart.max():.1e} apart"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="the xnorforge binary")
    parser.add_argument("--models", default=os.path.join(os.path.dirname(__file__), "..", "..", "models", "digits"))
    parser.add_argument("--count", type=int, default=50, help="number of images")
    parser.add_argument("--schemes", nargs="+", default=SCHEMES)
    args = parser.parse_args()
    if not os.access(args.bin, os.X_OK):
        parser.error(f"{args.bin} is not a program")
    warnings.filterwarnings("ignore")
    images = np.load(os.path.join(args.models, "test_images.npy"))[:args.count]
    labels = np.load(os.path.join(args.models, "test_labels.npy"))[:args.count]
    passed = failed = 0
    for number, scheme in enumerate(args.schemes):
        for offset, model in enumerate(MODELS):
            activations = ACTIVATIONS[(number + offset) % len(ACTIVATIONS)]
            with tempfile.TemporaryDirectory() as folder:
                try:
                    fault, remark = check(args, model, scheme, activations, folder, images, labels)
                except (RuntimeError, onnx.checker.ValidationError) as e:
                    fault, remark = str(e), None
            passed, failed = passed + (not fault), failed + bool(fault)
            print(f"{'FAIL' if fault else 'ok  '} {model} {scheme} {activations}: {fault or remark}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
