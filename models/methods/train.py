#!/usr/bin/env python3
"""Trains the networks of this folder, one per method, and writes them as QONNX.

  pip install -r ../digits/requirements.txt
  python train.py [NAME...]            (all of them: about ten minutes on one core)

Writes NAME.onnx, expected/NAME.npy (scores of the first 20 test images) and the accuracy into methods.json; the float
networks, digits_float and digits_float_mlp, go into ../digits. The same versions on the same kind of processor write
the same bytes again.
"""
import argparse
import os
import time

import training  # first: it keeps the GPU out
import binary
import floats
import low_bit
import planes
import ternary
from executor import correct, scores
from graph import Graph

FOLDER = os.path.dirname(os.path.abspath(__file__))
FLOATS = {"digits_float": floats.digits_float, "digits_float_mlp": floats.digits_float_mlp}
METHODS = {function.__name__: function for function in (
    binary.binary_connect, binary.bwn, ternary.twn, ternary.ttq, binary.bnn, binary.bnn_shift, binary.bitwise,
    planes.xnor_net, planes.xnor_net_k, low_bit.dorefa, low_bit.pact, low_bit.hwgq, low_bit.hwgq_nonuniform,
    planes.horq, planes.abc_net, ternary.fgq, binary.fp_bnn, binary.bn_free, binary.input_reuse)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", default=[*FLOATS, *METHODS])
    parser.add_argument("--out", default=FOLDER)
    parser.add_argument("--no-test", action="store_true", help="validation only: for choosing settings")
    args = parser.parse_args()
    for name in args.names:
        start = time.time()
        network = {**FLOATS, **METHODS}[name]()
        folder = args.out if name in METHODS or args.out != FOLDER else os.path.join(FOLDER, os.pardir, "digits")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, f"{name}.onnx")
        graph = Graph(name)
        graph.save(path, network.emit(graph, "image"))
        parts = {"validation": training.VALIDATION} if args.no_test else \
            {"validation": training.VALIDATION, "test": training.TEST}
        found = [f"{part} {correct(scores(path, images), labels)} of {len(labels)}"
                 for part, (images, labels) in parts.items()]
        print(f"{name}: {', '.join(found)}, {os.path.getsize(path)} bytes, {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
