"""Activations of a few bits: DoReFa-Net, PACT, HWGQ with equal and with unequal steps."""
import torch
from torch import nn

from layers import Conv, Flatten, Linear, MaxPool, Network, Norm, Pixels, Uniform
from training import fit
from weights import Integers, Part, Quantizer, ScaledBipolar, through


class Odd(Quantizer):
    """Odd integers of DoReFa-Net over 2^bits - 1: none of them is 0. They need one bit more as signed integers."""

    def __init__(self, bits):
        super().__init__()
        self.bits, self.steps = bits, 2 ** bits - 1

    def parts(self, w):
        w = torch.tanh(w.detach())
        code = torch.round(self.steps * (w / (2 * w.abs().max()) + 0.5))
        return [Part("integer", 2 * code - self.steps, 1 / self.steps, self.bits + 1)]

    def forward(self, w):
        squashed = torch.tanh(w)
        return through(self.parts(w)[0].product(), squashed / squashed.abs().max())


def dorefa():
    torch.manual_seed(0)
    return fit(Network(
        pixels=Pixels(), conv1=Conv(1, 8, Integers(8)), pool1=MaxPool(), norm1=Norm(8), quant1=Uniform(2, 1 / 3),
        conv2=Conv(8, 8, Odd(2)), norm2=Norm(8), quant2=Uniform(2, 1 / 3),
        conv3=Conv(8, 8, Odd(2)), pool3=MaxPool(), norm3=Norm(8), quant3=Uniform(4, 1 / 15),
        flatten=Flatten(), linear4=Linear(32, 10, Integers(8), bias=True)), epochs=100, rate=5e-3)


class LearnedClip(nn.Module):
    """Unsigned integers of `bits` bits up to a trained bound: the gradient reaches it where inputs lie above."""

    def __init__(self, bits):
        super().__init__()
        self.bits, self.bound = bits, nn.Parameter(torch.tensor(8.0))

    def forward(self, x):
        clipped = 0.5 * (x.abs() - (x - self.bound).abs() + self.bound)
        step = self.bound.detach() / (2 ** self.bits - 1)
        return through(torch.round(clipped / step) * step, clipped)

    def emit(self, graph, name, x):
        return graph.quant(x, name, self.bits, (self.bound / (2 ** self.bits - 1)).item(), signed=False)


def pact():
    torch.manual_seed(0)
    network = Network(
        pixels=Pixels(), flatten=Flatten(), linear1=Linear(64, 32, Integers(8)), norm1=Norm(32), clip1=LearnedClip(3),
        linear2=Linear(32, 24, Odd(3)), norm2=Norm(24), clip2=LearnedClip(3),
        linear3=Linear(24, 16, Odd(3)), norm3=Norm(16), clip3=LearnedClip(3),
        linear4=Linear(16, 10, Integers(8), bias=True))
    bounds = [layer.bound for layer in network if isinstance(layer, LearnedClip)]
    return fit(network, epochs=100, rate=5e-3, penalty=lambda: 5e-3 * sum(bound.square() for bound in bounds))


class Levels(nn.Module):
    """A sum of step functions, each (thresholds, height of a step). An input equal to a threshold is above it."""

    def __init__(self, *functions, layout):
        super().__init__()
        self.functions, self.layout = functions, layout
        self.most = sum(len(thresholds) * height for thresholds, height in functions)
        self.least = min(thresholds[0] for thresholds, _ in functions)

    def forward(self, x):
        value = sum(height * (x >= t) for thresholds, height in self.functions for t in torch.tensor(thresholds))
        # the gradient of a clipped ReLU
        return through(value, torch.where((x > self.least) & (x < self.most), x, x.detach()))

    def emit(self, graph, name, x):
        terms = [graph.thresholds(x, name if len(self.functions) == 1 else f"{name}_{n}", thresholds, height,
                                  len(thresholds).bit_length(), self.layout)
                 for n, (thresholds, height) in enumerate(self.functions, 1)]
        return terms[0] if len(terms) == 1 else graph.node("Add", terms, name)


def hwgq():
    def quant():
        return Levels(([0.0, 0.807, 1.345], 0.538), layout="NCHW")

    torch.manual_seed(0)
    return fit(Network(
        pixels=Pixels(), conv1=Conv(1, 8, Integers(8)), pool1=MaxPool(), norm1=Norm(8, affine=False), quant1=quant(),
        conv2=Conv(8, 8, ScaledBipolar()), norm2=Norm(8, affine=False), quant2=quant(),
        conv3=Conv(8, 8, ScaledBipolar()), pool3=MaxPool(), norm3=Norm(8, affine=False), quant3=Uniform(4, 0.25),
        flatten=Flatten(), linear4=Linear(32, 10, Integers(8), bias=True)), epochs=100, rate=5e-3)


def hwgq_nonuniform():
    def quant():
        # levels 0, 0.453 and 1.51, the upper threshold halfway between the upper two
        return Levels(([0.0], 0.453), ([0.9815], 1.057), layout="NC")

    torch.manual_seed(0)
    return fit(Network(
        pixels=Pixels(), flatten=Flatten(), linear1=Linear(64, 32, Integers(8)),
        norm1=Norm(32, affine=False), quant1=quant(), linear2=Linear(32, 24, ScaledBipolar()),
        norm2=Norm(24, affine=False), quant2=quant(), linear3=Linear(24, 16, ScaledBipolar()),
        norm3=Norm(16, affine=False), quant3=Uniform(4, 0.25), linear4=Linear(16, 10, Integers(8), bias=True)),
        epochs=100, rate=5e-3)
