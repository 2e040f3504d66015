"""Quantizers of weights: what they make of real weights, and how that is written.

A quantizer splits weights [outputs, ...] into parts whose sum replaces them. The parts are used by the training and
by the export alike, so that the file holds what was trained.
"""
from dataclasses import dataclass

import numpy as np
import torch


@dataclass
class Part:
    """`values` times `scale`, which broadcasts over `values`: `kind` says what stands in the file.

    bipolar: -1 or +1 through BipolarQuant; integer: integers of `bits` bits through Quant; plain: the product itself
    """

    kind: str
    values: torch.Tensor
    scale: torch.Tensor | float = 1.0
    bits: int = 0
    narrow: bool = True

    def product(self):
        return self.values * self.scale


def sign(x):
    """-1 or +1; 0 counts as +1, unlike with torch.sign."""
    return torch.where(x >= 0, 1.0, -1.0)


def through(value, gradient):
    """`value` going forward, the gradient of `gradient` going backward."""
    return gradient + (value - gradient).detach()


def per_output(w, values):
    """One value per output as a tensor that broadcasts over `w`."""
    return values.view(-1, *[1] * (w.dim() - 1))


class Quantizer(torch.nn.Module):
    """Weights as they are: what every quantizer below is derived from."""

    def settle(self, w):
        """Changes the weights after each step of the training."""

    def parts(self, w):
        return [Part("plain", w)]

    def forward(self, w):
        return through(sum(part.product() for part in self.parts(w)), w)


class Bipolar(Quantizer):
    """The sign; the real weights behind it stay within +-1, else some could never change their sign again."""

    def settle(self, w):
        w.clamp_(-1, 1)

    def parts(self, w):
        return [Part("bipolar", sign(w))]


class ScaledBipolar(Quantizer):
    """The sign times the mean magnitude of each output's weights, with the gradient and the centring of XNOR-Net."""

    def settle(self, w):
        if w.shape[1] > 1:  # one input less its mean would be nothing
            w.sub_(w.mean(1, keepdim=True))
        w.clamp_(-1, 1)

    def parts(self, w):
        return [Part("bipolar", sign(w), per_output(w, w.detach().flatten(1).abs().mean(1)))]

    def forward(self, w):
        part = self.parts(w)[0]
        slope = part.scale * (w.detach().abs() < 1) + 1 / w[0].numel()
        return through(part.product(), w * slope)


class Fixed(Quantizer):
    """Parts found by an algorithm that needs more than the weights: nothing is left to be trained."""

    def __init__(self, *parts):
        super().__init__()
        self.found = [Part(p.kind, p.values.detach(), p.scale, p.bits, p.narrow) for p in parts]

    def parts(self, w):
        return self.found

    def forward(self, w):
        return sum(part.product() for part in self.found)


class Integers(Quantizer):
    """Signed integers of `bits` bits; the scale is a power of two, or whatever makes the largest weight fit."""

    def __init__(self, bits, power_of_two=False):
        super().__init__()
        self.bits, self.power_of_two = bits, power_of_two

    def parts(self, w):
        largest = 2 ** (self.bits - 1) - 1
        scale = w.detach().abs().max() / largest
        if self.power_of_two:
            scale = 2.0 ** torch.ceil(torch.log2(scale))
        return [Part("integer", torch.round(w.detach() / scale).clamp(-largest, largest), scale, self.bits)]


def emit(graph, name, parts, transposed):
    """Writes the parts and returns the name of their sum; `transposed` for MatMul, which has outputs last."""
    def laid_out(values):
        values = np.asarray(values.detach() if isinstance(values, torch.Tensor) else values, dtype=np.float32)
        return values.T if transposed and values.ndim > 1 else values

    terms = []
    for n, part in enumerate(parts, 1):
        term = name if len(parts) == 1 else f"{name}_{n}"
        values, scale = laid_out(part.values), laid_out(part.scale)
        match part.kind:
            case "plain":
                terms.append(graph.constant(term, values * scale))
            case "bipolar":
                assert (np.abs(values) == 1).all(), f"{name} is not +-1"
                terms.append(graph.bipolar(graph.constant(term, values), f"{term}_quant", scale))
            case "integer":
                least, largest = -2 ** (part.bits - 1) + part.narrow, 2 ** (part.bits - 1) - 1
                assert (values == np.rint(values)).all() and least <= values.min() and values.max() <= largest, name
                stored = graph.constant(term, values * scale)
                terms.append(graph.quant(stored, f"{term}_quant", part.bits, scale, True, part.narrow))
    total = terms[0]
    for n, term in enumerate(terms[1:], 2):
        total = graph.node("Add", [total, term], f"{name}_sum{n}")
    return total
