#!/usr/bin/env python3
"""Compares xnorforge with TensorFlow Lite's reference kernels on TensorFlow Lite files.

    python3 scripts/check/tflite.py --bin target/release/xnorforge MODEL.tflite… [--images 8] [--engines reference,cpu,plan]
    python3 scripts/check/tflite.py --bin target/release/xnorforge --random target/release/examples/tflite_models --count 500

Every output must be equal. Random networks are those of testkit's example `tflite_models`
(`cargo build --release -p xnorforge-testkit --example tflite_models`). A model that xnorforge refuses counts as refused, not
as wrong; the reasons are listed. Needs NumPy and ai-edge-litert (pip install ai-edge-litert).
"""
import argparse
import collections
import os
import subprocess
import sys
import tempfile

import numpy as np
from ai_edge_litert import interpreter as litert


def expected(model, images, as_floats=True):
    """What the reference kernels make of images."""
    interpreter = litert.Interpreter(model, experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    outputs = []
    for image in images:
        interpreter.set_tensor(source["index"], image[None])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(target["index"])[0].copy())
    outputs = np.stack(outputs)
    return outputs.astype(np.float32) if as_floats else outputs


def drawn(model, count, seed, limits=None):
    """Images over the range of the input's type, or within limits."""
    details = litert.Interpreter(model).get_input_details()[0]
    rng = np.random.default_rng(seed)
    shape = (count, *details["shape"][1:])
    if details["dtype"] == np.float32:
        low, high = limits or (-1.0, 1.0)
        return rng.uniform(low, high, shape).astype(np.float32)
    info = np.iinfo(details["dtype"])
    return rng.integers(info.min, info.max + 1, shape).astype(details["dtype"])


def found(binary, model, images, engine, folder):
    """What an engine makes of images, or why it does not."""
    paths = [os.path.join(folder, name) for name in ("x.npy", "y.npy")]
    np.save(paths[0], images)
    command = [binary, "run", model, "--input", paths[0], "--output", paths[1], "--on", engine]
    run = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if run.returncode == 0:
        return np.load(paths[1]), None
    if run.returncode != 2 or "panicked" in run.stderr:
        raise AssertionError(f"{model} on {engine}: exit {run.returncode}: {run.stderr}")
    return None, " ".join(run.stderr.split())


def compare(arguments, model, images, folder, name):
    """Whether all engines agree with the kernels; `None` where the model is refused."""
    try:
        golden = expected(model, images)
    except (RuntimeError, ValueError) as error:
        return None, f"by TensorFlow Lite itself: {error}"
    for engine in arguments.engines.split(","):
        outputs, refusal = found(arguments.bin, model, images, engine, folder)
        if refusal:
            return None, refusal
        if outputs.shape != golden.shape or not (outputs == golden).all():
            wrong = "shape" if outputs.shape != golden.shape else int((outputs != golden).sum())
            print(f"{name} on {engine}: {wrong} of {golden.size} outputs differ")
            return False, None
    return True, None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--bin", required=True)
    parser.add_argument("--random")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--engines", default="reference,cpu,plan")
    arguments = parser.parse_args()
    counts, refusals = collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        cases = [(model, os.path.basename(model), None) for model in arguments.models]
        if arguments.random:
            subprocess.run([arguments.random, folder, str(arguments.first), str(arguments.count)], check=True)
            with open(os.path.join(folder, "ranges.txt")) as file:
                for seed, low, high in (line.split() for line in file):
                    model = os.path.join(folder, f"{seed}.tflite")
                    cases.append((model, f"random {seed}", (float(low), float(high))))
        for number, (model, name, limits) in enumerate(cases):
            images = drawn(model, arguments.images, number, limits)
            agrees, refusal = compare(arguments, model, images, folder, name)
            counts[agrees] += 1
            if refusal:
                refusals[refusal.split("help:")[0][:200]] += 1
                print(f"{name}: refused: {refusal[:300]}")
    print(f"{counts[True]} equal, {counts[False]} different, {counts[None]} refused")
    sys.exit(1 if counts[False] or not counts[True] else 0)


if __name__ == "__main__":
    main()
