#!/usr/bin/env python3
"""Runs every network of this folder with the qonnx executor, which shares no code with its training, and compares what
comes out with what is written in this folder. Needs numpy, onnx and qonnx of ../digits/requirements.txt, no torch.

  python check.py [NAME...]

For each network: the weights that reach its products are of the format that methods.json states; the scores of the
first 20 test images, one at a time, are those of expected/NAME.npy; as many of the 450 answers are right as
methods.json and MODEL_CARD.md say.
"""
import json
import os
import sys

import numpy as np
from executor import correct, scores, weights

FOLDER = os.path.dirname(os.path.abspath(__file__))


def units(w, scope):
    """The weights that share a scale, one row each; outputs come first in `w`."""
    match scope:
        case "tensor":
            return w.reshape(1, -1)
        case "output":
            return w.reshape(len(w), -1)
        case "group4":
            # convolutions: four input channels at one position; behind them: 8 channels of 4x4 pixels
            w = w.reshape(len(w), 8, -1)
            return w.reshape(len(w), 2, 4, -1).swapaxes(2, 3).reshape(-1, 4)


def magnitudes(allowed):
    if isinstance(allowed, list):
        return np.array(allowed, dtype=np.float64)
    if allowed == "two_powers":  # N = 2 codebooks of B = 4 bits, in units of 2^-7
        first, second = ([0.0] + [2.0 ** (7 - n - e) for e in range(7)] for n in range(2))
        return np.unique([abs(a + sign * b) for a in first for b in second for sign in (-1, 1)])
    least, most = allowed.split("..")
    return np.arange(int(least), int(most) + 1, dtype=np.float64)


def check_format(name, w, stated):
    """The weights of one layer are what is stated: some scale makes magnitudes of all weights that share it."""
    w = w.astype(np.float64)
    if "distinct" in stated:
        found = len(np.unique(w))
        assert found == stated["distinct"], f"{name}: {found} values, stated {stated['distinct']}"
        return
    allowed = magnitudes(stated["magnitudes"])
    for unit in units(np.abs(w), stated["scope"]):
        def error(scale):
            return np.abs(unit[:, None] - allowed * scale).min(1).max()
        largest = unit.max()
        assert largest == 0 or min(error(largest / a) for a in allowed if a) < 1e-5 * largest, \
            f"{name}: not {stated['magnitudes']} times one scale"


def check(name, method, images, labels, card):
    path = os.path.join(FOLDER, f"{name}.onnx")
    assert os.path.getsize(path) <= 40_000, f"{name} is too large to ship"
    found = weights(path)
    for layer, stated in method["layers"].items():
        check_format(f"{name}, {layer}", found[layer], stated)
    expected = np.load(os.path.join(FOLDER, "expected", f"{name}.npy"))
    assert expected.dtype == np.float32 and expected.shape == (20, 10)
    one_by_one = scores(path, images[:20], batch=1)
    scale = np.abs(expected).max()
    assert np.abs(one_by_one - expected).max() <= 1e-5 * scale, f"{name}: scores differ from the expected ones"
    together = scores(path, images)
    assert np.abs(together[:20] - expected).max() <= 1e-5 * scale, f"{name}: the batch has other scores"
    right = correct(together, labels)
    assert right == method["correct"], f"{name}: {right} right, methods.json says {method['correct']}"
    assert f"| `{name}` |" in card and f"| {right} | {100 * right / len(labels):.1f} % |" in next(
        line for line in card.splitlines() if f"| `{name}` |" in line), f"MODEL_CARD.md does not say {right} for {name}"
    best = np.sort(together, axis=1)
    print(f"{name}: {right} of {len(labels)}, two best scores at least {(best[:, -1] - best[:, -2]).min():.5f} apart")


def main():
    with open(os.path.join(FOLDER, "methods.json")) as file:
        stated = json.load(file)
    with open(os.path.join(FOLDER, "MODEL_CARD.md")) as file:
        card = file.read()
    images, labels = (np.load(os.path.join(FOLDER, stated[key])) for key in ("images", "labels"))
    for name in sys.argv[1:] or stated["methods"]:
        check(name, stated["methods"][name], images, labels, card)


if __name__ == "__main__":
    main()
