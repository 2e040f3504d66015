"""Exact arithmetic on standard quantised ONNX graphs, for qdq.py.

Integers times float32 scales are dyadic: every real number here is an integer of Python times a power of two. Sums and
products are exact, and so is the comparison of a quotient with the middle between two integers.
"""
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from onnx import numpy_helper

UNIT = Fraction(1, 1 << 24)  # relative error of one float32 operation


@dataclass
class Real:
    """value = integers · 2^exponent; the same of the magnitudes that were summed, and how many float32 operations that is."""

    integers: np.ndarray
    magnitude: np.ndarray
    exponent: int
    operations: int

    def map(self, change):
        return Real(change(self.integers), change(self.magnitude), self.exponent, self.operations)


def dyadic(value):
    """An integer and the exponent of the power of two that it counts, for a float."""
    numerator, denominator = float(value).as_integer_ratio()
    return numerator, 1 - denominator.bit_length()


def of_floats(array):
    """Floats as one array of integers with one exponent."""
    pairs = [dyadic(v) for v in array.ravel()]
    exponent = min((e for n, e in pairs if n), default=0)
    integers = np.array([n << (e - exponent) if n else 0 for n, e in pairs], dtype=object).reshape(array.shape)
    return Real(integers, np.abs(integers), exponent, 0)


def sum_of(a, b):
    exponent = min(a.exponent, b.exponent)
    shift = lambda x, e: x * (1 << (e - exponent))
    return Real(shift(a.integers, a.exponent) + shift(b.integers, b.exponent),
                shift(a.magnitude, a.exponent) + shift(b.magnitude, b.exponent), exponent, a.operations + b.operations + 1)


def product_of(a, b, product, terms):
    return Real(product(a.integers, b.integers), product(a.magnitude, b.magnitude), a.exponent + b.exponent,
                a.operations + b.operations + terms)


def along(parameter, axis, rank):
    """A list of scales or zero points in a shape that broadcasts to a tensor."""
    return parameter.reshape(()) if parameter.size == 1 else parameter.reshape((-1,) + (1,) * (rank - axis - 1))


def dequantised(integers, scale, zero_point, axis=1):
    x = np.array(integers.astype(int) - along(zero_point.astype(int), axis, integers.ndim), dtype=object)
    return product_of(Real(x, np.abs(x), 0, 0), of_floats(along(scale, axis, x.ndim)), lambda a, b: a * b, 1)


def windows(x, kernel, strides, pads, padding=0):
    """Taps of each window: [images, channels, height, width, taps]."""
    extents = (x.shape[2] + pads[0] + pads[2], x.shape[3] + pads[1] + pads[3])
    padded = np.full(x.shape[:2] + extents, padding, dtype=object)
    padded[:, :, pads[0]:pads[0] + x.shape[2], pads[1]:pads[1] + x.shape[3]] = x
    height = (padded.shape[2] - kernel[0]) // strides[0] + 1
    width = (padded.shape[3] - kernel[1]) // strides[1] + 1
    taps = [padded[:, :, i:i + height * strides[0]:strides[0], j:j + width * strides[1]:strides[1]]
            for i in range(kernel[0]) for j in range(kernel[1])]
    return np.stack(taps, axis=-1)


def convolution(x, w, attributes):
    def product(a, b):
        taps = windows(a, b.shape[2:], attributes.get("strides", [1, 1]), attributes.get("pads", [0] * 4))
        rows = taps.transpose(0, 2, 3, 1, 4)
        rows = rows.reshape(rows.shape[:3] + (-1,))
        return np.dot(rows, b.reshape(b.shape[0], -1).T).transpose(0, 3, 1, 2)

    return product_of(x, w, product, int(np.prod(w.integers.shape[1:])))


def bias_of(integers, *scales):
    """A bias of integers times all scales, one for each channel."""
    result = Real(np.array(integers.astype(int), dtype=object), np.abs(np.array(integers.astype(int), dtype=object)), 0, 0)
    for scale in scales:
        result = product_of(result, of_floats(scale), lambda a, b: a * b, 1)
    return result


def distances(real, scale, zero_point, found):
    """How many integers are not the nearest; and of these how many float32 cannot excuse."""
    numerator, exponent = dyadic(scale)
    wrong = unexcused = 0
    limits = np.iinfo(found.dtype)
    for v, magnitude, code in zip(real.integers.ravel(), real.magnitude.ravel(), found.ravel()):
        unit = Fraction(2) ** (real.exponent - exponent) / numerator
        quotient = v * unit
        below = quotient.__floor__()
        up = quotient - below
        nearest = below + (up > Fraction(1, 2) or (up == Fraction(1, 2) and below % 2 == 1)) + int(zero_point)
        if min(max(nearest, limits.min), limits.max) != code:
            wrong += 1
            slack = (real.operations + 4) * UNIT * (magnitude * unit + abs(int(zero_point)))
            unexcused += abs(up - Fraction(1, 2)) > slack or abs(nearest - int(code)) > 1
    return wrong, unexcused


class Exact:
    """Walks a graph, and takes the quantised tensors from a run of somebody else's."""

    def __init__(self, model, images, codes):
        self.constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        self.codes, self.nodes = codes, model.graph.node
        self.reals = {model.graph.input[0].name: of_floats(images)}

    def real(self, name):
        if name in self.constants:
            return of_floats(self.constants[name])
        return self.reals[name]

    def integers(self, name):
        return self.constants[name] if name in self.constants else self.codes[name]

    def quantised(self, node, inputs):
        """What a node makes of integers before it quantises, and scale and zero point of that; None for other nodes."""
        read = lambda i: [self.integers(name) for name in inputs[i:i + 3]]
        constant = lambda i: self.constants[inputs[i]]
        match node.op_type:
            case "QuantizeLinear":
                return self.real(inputs[0]), constant(1), constant(2)
            case "QLinearConv":
                x, w = dequantised(*read(0)), dequantised(*read(3), axis=0)
                total = convolution(x, w, attributes_of(node))
                if len(inputs) > 8:
                    bias = bias_of(constant(8), constant(1), constant(4)).map(lambda b: b.reshape(-1, 1, 1))
                    total = sum_of(total, bias)
                return total, constant(6), constant(7)
            case "QGemm" | "QLinearMatMul":
                flip = attributes_of(node).get("transB", 0)
                a, b = dequantised(*read(0)), dequantised(*read(3), axis=0 if flip else 1)
                total = product_of(a, b.map(np.transpose) if flip else b, np.dot, a.integers.shape[-1])
                if node.op_type == "QGemm":
                    total = sum_of(total, bias_of(constant(6), constant(1), constant(4)))
                    return total, constant(7), constant(8)
                return total, constant(6), constant(7)
            case "QLinearAdd":
                return sum_of(dequantised(*read(0)), dequantised(*read(3))), constant(6), constant(7)
        return None

    def check(self):
        """For each quantising node: its name, the integers it gives, how many are not nearest, how many unexcused."""
        for node in self.nodes:
            inputs, output = list(node.input), node.output[0]
            quantised = self.quantised(node, inputs)
            if quantised is not None:
                real, scale, zero_point = quantised
                found = self.codes[output]
                yield (node.name or output, found.size, *distances(real, scale.item(), zero_point.item(), found))
            elif inputs[0] in self.codes and node.op_type != "DequantizeLinear":
                continue  # moves integers, which are taken from the run
            else:
                self.reals[output] = self.float_node(node, inputs)

    def float_node(self, node, inputs):
        attributes = attributes_of(node)
        match node.op_type:
            case "DequantizeLinear":
                return dequantised(*[self.integers(name) for name in inputs], axis=attributes.get("axis", 1))
            case "Conv":
                total = convolution(self.real(inputs[0]), self.real(inputs[1]), attributes)
                bias = [self.real(name).map(lambda b: b.reshape(-1, 1, 1)) for name in inputs[2:]]
                return sum_of(total, *bias) if bias else total
            case "Gemm" | "MatMul":
                a, b = self.real(inputs[0]), self.real(inputs[1])
                total = product_of(a, b.map(np.transpose) if attributes.get("transB") else b, np.dot, a.integers.shape[-1])
                return sum_of(total, self.real(inputs[2])) if len(inputs) > 2 else total
            case "Add":
                return sum_of(self.real(inputs[0]), self.real(inputs[1]))
            case "Relu":
                x = self.real(inputs[0])
                return Real(np.maximum(x.integers, 0), x.magnitude, x.exponent, x.operations)
            case "MaxPool":
                size = attributes["kernel_shape"], attributes["strides"], attributes.get("pads", [0] * 4)
                return self.real(inputs[0]).map(lambda x: windows(x, *size, padding=-(1 << 200)).max(-1))
            case "Flatten":
                return self.real(inputs[0]).map(lambda x: x.reshape(x.shape[0], -1))
        raise RuntimeError(f"{node.op_type} is not known here")


def attributes_of(node):
    return {a.name: list(a.ints) if a.ints else a.i for a in node.attribute}
