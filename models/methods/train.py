#!/usr/bin/env python3
"""Trains the networks of this folder, one per method, and writes them as QONNX.

  pip install -r ../digits/requirements.txt
  python train.py [NAME...]            (all of them: about five minutes on one core)

Writes NAME.onnx, expected/NAME.npy (scores of the first 20 test images) and the accuracy into methods.json; the float
networks, digits_float and digits_float_mlp, go into ../digits. The same versions on the same kind of processor write
the same bytes again.
"""
import argparse
import os
import re
import time

import training  # first: it keeps the GPU out
import after_training
import binary
import floats
import low_bit
import numpy as np
import planes
import ternary
import trained_further
import two_step
from executor import correct, scores
from graph import Graph

FOLDER = os.path.dirname(os.path.abspath(__file__))
FLOATS = {"digits_float": floats.digits_float, "digits_float_mlp": floats.digits_float_mlp}
METHODS = {function.__name__: function for function in (
    binary.binary_connect, binary.bwn, trained_further.bwnh, ternary.twn, ternary.ttq, binary.bnn, binary.bnn_shift,
    binary.bitwise, planes.xnor_net, planes.xnor_net_k, low_bit.dorefa, low_bit.pact, low_bit.hwgq,
    low_bit.hwgq_nonuniform, planes.horq, planes.abc_net, trained_further.inq, after_training.shift_cnn, ternary.fgq,
    trained_further.admm_binary, trained_further.admm_ternary, trained_further.admm_2, trained_further.admm_4,
    two_step.tsq, binary.fp_bnn, binary.bn_free, binary.input_reuse, after_training.zfnet_8bit,
    after_training.quant_py_linear)}


def record(folder, name, right):
    """Puts the number of right answers into methods.json."""
    path = os.path.join(folder, "methods.json")
    with open(path) as file:
        text = file.read()
    start = text.index(f'"{name}": {{')
    changed = re.sub(r'("correct": )\d+', rf"\g<1>{right}", text[start:], count=1)
    with open(path, "w") as file:
        file.write(text[:start] + changed)


def make(name, args):
    start = time.time()
    is_float = name in FLOATS
    network = {**FLOATS, **METHODS}[name]()
    folder = os.path.join(FOLDER, os.pardir, "digits") if is_float and args.out == FOLDER else args.out
    os.makedirs(os.path.join(args.out, "expected"), exist_ok=True)
    path = os.path.join(folder, f"{name}.onnx")
    graph = Graph(name)
    graph.save(path, network.emit(graph, "image"))

    images, labels = training.VALIDATION
    found = [f"validation {correct(scores(path, images), labels)} of {len(labels)}"]
    if not args.no_test:
        images, labels = training.TEST
        right = correct(scores(path, images), labels)
        found.append(f"test {right} of {len(labels)}")
        np.save(os.path.join(args.out, "expected", f"{name}.npy"), scores(path, images[:20], batch=1))
        if args.out == FOLDER and not is_float:
            record(FOLDER, name, right)
    print(f"{name}: {', '.join(found)}, {os.path.getsize(path)} bytes, {time.time() - start:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", default=[*FLOATS, *METHODS])
    parser.add_argument("--out", default=FOLDER)
    parser.add_argument("--no-test", action="store_true", help="validation only: for choosing settings")
    args = parser.parse_args()
    for name in args.names:
        make(name, args)


if __name__ == "__main__":
    main()
