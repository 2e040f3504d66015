"""Seeded random QONNX networks that are little more than their float ends, for check_reference.py.

One dense layer on a quantised image. Float32 decides the codes of image and weights, node by node: operators in front of
the quantisers have factors after which all numbers lie on integers of the quantiser's grid or in the middle between two,
but for rounding. There are few inputs of few bits, so that one code more or less is seen in the scores, which float32
computes with an error.
"""
import numpy as np
from onnx import TensorProto

from random_models import INPUTS, RandomModel
from random_nodes import Tensor

UNITS = {"uint8": 1, "int8": 1, "pixel": 1 / 255, "symmetric": 2 / 255}  # that the values of an image are multiples of
MAX_INPUTS = 6
BITS = [4, 5, 6]


class RandomEnds(RandomModel):
    share_of_input_scales, share_of_ties, forms = 1.0, 1.0, ["quant"]

    def prepared(self, values):
        """As RandomModel.prepared, behind a node or two that scale the constant back."""
        x = values
        factors = self.rng.uniform(0.3, 3, self.pick([0, 1, 2])).astype(np.float32)
        for factor in factors:
            x = x * factor
        name = self.const(x)
        for factor in factors[::-1]:
            x = x / factor
            name = self.op("Div", [name, self.const(factor)], x.shape)
        return name, x

    def normalised(self, t, unit):
        """As `moved`, all channels alike."""
        gamma, variance, epsilon = np.float32(self.rng.uniform(0.5, 2)), np.float32(self.rng.uniform(0.1, 3)), 1e-5
        by = float(gamma) / np.sqrt(float(variance) + epsilon)
        beta, mean = (np.float32(int(self.rng.integers(-40, 41)) * u / 2) for u in (unit * by, unit))
        inputs = [t.name] + [self.const(np.full(t.shape[1], v)) for v in (gamma, beta, mean, variance)]
        top = (by * (t.top + abs(mean)) + abs(beta)) * 1.001
        return self.step("BatchNormalization", t, inputs, top, t.typ * by, None, epsilon=epsilon), unit * by

    def moved(self, t, unit):
        """A step on the image, and the unit behind it."""
        kind = self.pick(["Mul", "Div", "Add", "Sub", "BatchNormalization"])
        if kind == "BatchNormalization":
            return self.normalised(t, unit)
        if kind in ("Mul", "Div"):
            factor = np.float32(self.rng.uniform(0.3, 3))
            by = float(factor) if kind == "Mul" else 1 / float(factor)
            return self.step(kind, t, [t.name, self.const(factor)], t.top * by * 1.001, t.typ * by, None), unit * by
        summand = np.float32(int(self.rng.integers(-40, 41)) * unit / 2)
        return self.step(kind, t, [t.name, self.const(summand)], (t.top + abs(summand)) * 1.001, t.typ, None), unit

    def build(self):
        self.kind, self.dyadic = self.pick(list(UNITS)), 0.2
        _, top, typ, _ = INPUTS[self.kind]
        self.shape = (1, int(self.rng.integers(1, MAX_INPUTS + 1)))
        self.tensors["in"] = (self.shape, TensorProto.FLOAT, (top, None))
        t, unit = Tensor("in", self.shape, top, typ, None), UNITS[self.kind]
        for _ in range(self.pick([0, 1, 2, 3, 4])):
            t, unit = self.moved(t, unit)
        self.input_scales = [unit * self.pick([0.5, 1, 2, 4])]
        t = self.quant(t, self.pick(BITS))
        self.per_channel, self.on_floats = True, False
        t = self.dense(t, int(self.rng.integers(1, MAX_INPUTS + 1)))
        self.scores, self.output, self.integers = t, t.name, False
