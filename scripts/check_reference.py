#!/usr/bin/env python3
"""Compares `BIN run` with an independent implementation on seeded random networks.

  pip install -r requirements.txt
  check_reference.py --bin target/release/xnorforge [--on reference cpu] [--count 50] [--seed 0]
      [--networks dense convolutional quantised]
  check_reference.py --write DIR                     only writes models, inputs and expected outputs

Draws small QONNX multi-layer perceptrons, convolutional networks, and quantised networks of standard operators in turn,
computes their outputs with the PyPI package qonnx (the quantised ones with onnxruntime), one image at a time, and runs BIN run MODEL --input X.npy --output Y.npy --on ENGINE on each engine.
Class indices and scores that float32 computes without rounding must be identical; other scores may differ by 1e-4 of
the image's largest (or by the rounding error of float32 where that is more), and their arg-max must agree. Images where
float32 rounding could decide a quantiser or an arg-max are drawn anew and counted, and so are networks with the same
output for every image.
With --write and --bin the files are kept: DIR/NAME.onnx, DIR/golden/NAME/{input,output}.npy.
Networks that the program refuses by name, with a way out, are counted apart: their form is not supported.
Last line: 'N passed, N failed'. Exit 0 only if all passed and at least one ran, 1 on failures, 2 on usage.
"""
import argparse
import collections
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx

from random_convolutions import RandomConvolutional
from random_models import RandomModel
from random_nodes import SLACK
from random_quantised import RandomQuantised

IMAGES = 16
REFUSAL = "exit 2: compiler::lower::"
KINDS = {"dense": RandomModel, "convolutional": RandomConvolutional, "quantised": RandomQuantised}
DRAWS = 50  # tries for a network whose output depends on its input, and not on float32 rounding


def draw(kind, seed, index):
    """The network of `kind` with number `index`, its inputs and outputs, and what was passed over on the way to it."""
    passed_over = collections.Counter()
    for attempt in range(DRAWS):
        network = KINDS[kind]([seed, index, attempt])
        inputs, outputs, near_ties = network.run(IMAGES)
        passed_over["images"] += near_ties
        if inputs is None:
            passed_over["networks"] += 1
        elif np.all(outputs == outputs[0]):
            passed_over["constant"] += 1
        else:
            return network, inputs, outputs, passed_over
    raise RuntimeError(f"network {index} of seed {seed}: none of {DRAWS} draws is of use")


def write(folder, name, network, inputs, outputs):
    golden = os.path.join(folder, "golden", name)
    os.makedirs(golden, exist_ok=True)
    model = os.path.join(folder, name + ".onnx")
    x, y = os.path.join(golden, "input.npy"), os.path.join(golden, "output.npy")
    onnx.save(network.proto(for_executor=False), model)
    np.save(x, inputs)
    np.save(y, outputs)
    return model, x


def run(binary, model, inputs, engine, timeout):
    """What the binary writes for `inputs`; raises RuntimeError with its complaint."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "y.npy")
        command = [binary, "run", model, "--input", inputs, "--output", out, "--on", engine]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"no answer in {timeout:.0f} s")
        if done.returncode:
            raise RuntimeError(f"exit {done.returncode}: {(done.stderr or done.stdout).strip()}")
        try:
            return np.load(out, allow_pickle=False)
        except (OSError, ValueError) as e:
            raise RuntimeError(f"its output cannot be read: {e}")


def difference(network, got, want):
    """None where `got` is right, else one sentence saying how it is not."""
    if got.shape[:1] != want.shape[:1] or got.size != want.size:
        return f"output has shape {list(got.shape)}, must have {list(want.shape)}"
    got = got.reshape(want.shape)  # an output of shape [1] may or may not be its own batch axis
    if got.dtype != want.dtype:
        return f"output is {got.dtype}, must be {want.dtype}"
    if network.integers or network.scores.lsb is not None:
        wrong = np.argwhere(~(got == want))
        if len(wrong):
            at = tuple(wrong[0])
            return (f"{len(wrong)} of {want.size} values differ, first at {[int(i) for i in at]}: "
                    f"{got[at]}, must be {want[at]}")
        return None
    for n, (g, w) in enumerate(zip(got, want)):
        allowed = max(1e-4 * np.abs(w).max(), SLACK * network.scores.top)
        if not np.all(np.abs(g - w) <= allowed):  # also catches NaN
            i = int(np.argmax(np.where(np.isnan(g), np.inf, np.abs(g - w))))
            return f"image {n}, value {i} is {g[i]}, must be {w[i]}"
        if w[g.argmax()] < w.max() - allowed:
            return f"image {n}: arg-max {g.argmax()}, must be {w.argmax()}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", help="the xnorforge binary")
    parser.add_argument("--on", nargs="+", default=["reference", "cpu"], metavar="ENGINE")
    parser.add_argument("--networks", nargs="+", choices=list(KINDS), default=list(KINDS), help="kinds, in turn")
    parser.add_argument("--count", type=int, default=50, help="number of networks")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, nargs="+", metavar="N", help="only these of the networks, by number")
    parser.add_argument("--write", metavar="DIR", help="keep models, inputs and expected outputs")
    parser.add_argument("--timeout", type=float, default=120, help="seconds for one run of the binary")
    args = parser.parse_args()
    if not (args.bin or args.write):
        parser.error("--bin or --write is needed")
    if args.bin and not os.access(args.bin, os.X_OK):
        parser.error(f"{args.bin} is not a program")

    passed = failed = exact = refused = 0
    seen, passed_over = collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory() as scratch:
        for index in args.only or range(args.count):
            name = f"random_{args.seed}_{index:03d}"
            kind = args.networks[index % len(args.networks)]
            network, inputs, outputs, more = draw(kind, args.seed, index)
            passed_over += more
            exact += not network.guards and network.scores.lsb is not None
            operators = [n.op_type for n in network.nodes if n.op_type != "Constant"]
            seen.update(set(operators))
            model, x = write(args.write or scratch, name, network, inputs, outputs)
            for engine in args.on if args.bin else []:
                try:
                    fault = difference(network, run(args.bin, model, x, engine, args.timeout), outputs)
                except RuntimeError as e:
                    fault = str(e)
                if fault and fault.startswith(REFUSAL):
                    refused += 1
                    print(f"ref  {name} {engine}  {' '.join(fault.split())[:200]}", flush=True)
                    continue
                passed, failed = passed + (not fault), failed + bool(fault)
                print(f"{'FAIL' if fault else 'ok  '} {name} {engine}", flush=True)
                if fault:
                    print(f"     {fault}\n     {network.domain or 'empty domain'}: {' '.join(operators)}")
                    print(f"     again: --seed {args.seed} --only {index} --networks {' '.join(args.networks)} "
                          f"--on {engine}", flush=True)
            if not args.bin:
                print(f"wrote {model}  {network.domain or 'empty domain'}: {' '.join(operators)}")
    print("networks with each operator:", ", ".join(f"{k} {v}" for k, v in sorted(seen.items())))
    print(f"{exact} networks exact throughout; drawn anew: {passed_over['images']} images and "
          f"{passed_over['networks']} networks where float32 rounding could decide, "
          f"{passed_over['constant']} networks with one output for all")
    if args.bin:
        print(f"{refused} runs refused by name")
        print(f"{passed} passed, {failed} failed")
        return 0 if passed and not failed else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
