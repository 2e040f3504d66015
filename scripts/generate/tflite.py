#!/usr/bin/env python3
"""Writes models/tflite: random networks of testkit with what TensorFlow Lite's reference kernels compute.

    cargo build --release -p xnorforge-testkit --example tflite_models
    pip install numpy ai-edge-litert==2.3.0
    python3 scripts/generate/tflite.py --random target/release/examples/tflite_models [--check]

Per network: NAME.tflite, NAME_input.npy (images over the input's range) and NAME_output.npy. `--check` writes nothing and
compares. The seeds are chosen so that all operators that are imported occur.
"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts", "check"))
from tflite import drawn, expected  # noqa: E402

SEEDS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 15, 18, 33, 40]
IMAGES = 6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", required=True)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    kept = os.path.join(ROOT, "models", "tflite")
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([arguments.random, folder, "0", str(max(SEEDS) + 1)], check=True)
        with open(os.path.join(folder, "ranges.txt")) as file:
            ranges = {int(seed): (float(low), float(high)) for seed, low, high in (line.split() for line in file)}
        for seed in SEEDS:
            model = os.path.join(folder, f"{seed}.tflite")
            images = drawn(model, IMAGES, seed, ranges[seed])
            outputs = expected(model, images, as_floats=False)
            path = os.path.join(kept, f"random_{seed}")
            if arguments.check:
                same = open(model, "rb").read() == open(f"{path}.tflite", "rb").read()
                same &= np.array_equal(np.load(f"{path}_input.npy"), images)
                same &= np.array_equal(np.load(f"{path}_output.npy"), outputs)
                wrong += not same
                print(f"random_{seed}: {'as kept' if same else 'different'}")
                continue
            with open(model, "rb") as source, open(f"{path}.tflite", "wb") as target:
                target.write(source.read())
            np.save(f"{path}_input.npy", images)
            np.save(f"{path}_output.npy", outputs)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
