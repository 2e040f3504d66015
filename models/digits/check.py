#!/usr/bin/env python3
"""Computes a network of this folder in double precision, without Brevitas, onnxruntime and qonnx, and says how close
its answers come to hanging on rounding: what the model card states.

  python check.py digits_mlp.onnx expected_scores.npy
  python check.py digits_conv.onnx expected_scores_conv.npy

Fails where answers differ or a score is off by more than 1e-5.
"""
import os
import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper


def sign(x):
    return np.where(x >= 0, 1.0, -1.0)


def conv(x, weight, pads):
    """3x3 windows one tap at a time, around them the zeros of `pads`."""
    height, width = x.shape[2:]
    x = np.pad(x, [(0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])])
    return sum(np.einsum("nchw,oc->nohw", x[:, :, dy:dy + height, dx:dx + width], weight[:, :, dy, dx])
               for dy in range(3) for dx in range(3))


def pool(x):
    n, channels, height, width = x.shape
    return x.reshape(n, channels, height // 2, 2, width // 2, 2).max((3, 5))


def evaluate(graph, images):
    """(scores, for every norm before a sign: name, its factors, its thresholds, the sums that occurred)."""
    values = {t.name: numpy_helper.to_array(t).astype(np.float64) for t in graph.initializer}
    values[graph.input[0].name] = images.astype(np.float64)
    signed = {n.input[0] for n in graph.node if n.op_type == "BipolarQuant"}
    norms = []
    for node in graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        x, *more = [values[name] for name in node.input]
        match node.op_type:
            case "Quant":
                assert (*map(float, more), attributes["signed"], attributes["narrow"]) == (1, 0, 4, 0, 0)
                y = np.clip(np.rint(x), 0, 15)
            case "BipolarQuant":
                assert more[0] == 1
                y = sign(x)
            case "Conv":
                assert attributes["pads"] == [1, 1, 1, 1] and attributes["strides"] == [1, 1]
                assert more[0].shape[2:] == (3, 3) and attributes["group"] == 1 and len(more) == 1
                y = conv(x, more[0], attributes["pads"])
            case "MaxPool":
                assert attributes["kernel_shape"] == attributes["strides"] == [2, 2]
                assert not any(attributes["pads"])
                y = pool(x)
            case "BatchNormalization":
                factor = more[0] / np.sqrt(more[3] + attributes["epsilon"])
                assert (factor != 0).all(), "a factor of 0 has no threshold"
                channels = (1, -1) + (1,) * (x.ndim - 2)
                y = (x - more[2].reshape(channels)) * factor.reshape(channels) + more[1].reshape(channels)
                if node.output[0] in signed:
                    norms.append((node.name, factor, more[2] - more[1] / factor, x))
            case "Flatten":
                y = x.reshape(len(x), -1)
            case "Transpose":
                y = x.T
            case "MatMul":
                y = x @ more[0]
            case kind:
                raise SystemExit(f"no {kind} here")
        values[node.output[0]] = y
    return values[graph.output[0].name], norms


def main():
    model, expected = sys.argv[1:]
    folder = os.path.dirname(os.path.abspath(__file__))
    images = np.load(os.path.join(folder, "test_images.npy"))
    labels = np.load(os.path.join(folder, "test_labels.npy"))
    expected = np.load(expected)
    scores, norms = evaluate(onnx.load(model).graph, images)

    for name, factor, threshold, sums in norms:
        assert (sums == np.rint(sums)).all(), "sums are integers"
        per_channel = np.moveaxis(sums, 1, 0).reshape(len(factor), -1)
        above = per_channel >= threshold[:, None]
        print(f"{name}: {len(factor)} channels, factor negative in {(factor < 0).sum()}, thresholds "
              f"{threshold.min():.1f} to {threshold.max():.1f}, sums {sums.min():.0f} to {sums.max():.0f}, "
              f"{(above.all(1) | ~above.any(1)).sum()} channels never change, "
              f"nearest integer {np.abs(threshold - np.rint(threshold)).min():.4f} away")
    best = np.sort(scores, axis=1)
    right = int((scores.argmax(1) == labels).sum())
    print(f"double precision: {right} of {len(labels)} right, two best scores at least "
          f"{(best[:, -1] - best[:, -2]).min():.4f} apart, scores off by at most {np.abs(scores - expected).max():.1e}, "
          f"answers differ in {(scores.argmax(1) != expected.argmax(1)).sum()}")
    assert (scores.argmax(1) == expected.argmax(1)).all() and np.abs(scores - expected).max() < 1e-5


if __name__ == "__main__":
    main()
