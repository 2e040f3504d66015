"""Weights of -1 and +1 and real activations: BinaryConnect, BWN, BWNH. Weights and activations of -1 and +1: BinaryNet,
bitwise networks, and designs for FPGAs whose networks are of that kind."""
import torch
from torch import nn

from layers import (Conv, Flatten, Linear, MaxPool, Network, Norm, Pixels, Product, Relu, Sign, across,
                    channel_constant)
from training import cross_entropy, fit, squared_hinge
from weights import Bipolar, Integers, Part, ScaledBipolar, emit, sign, through


def binary_connect():
    torch.manual_seed(0)
    return fit(Network(
        pixels=Pixels(), flatten=Flatten(), linear1=Linear(64, 32, Bipolar()), norm1=Norm(32), relu1=Relu(),
        linear2=Linear(32, 16, Bipolar()), norm2=Norm(16), relu2=Relu(),
        linear3=Linear(16, 10, Bipolar()), norm3=Norm(10)), epochs=150, rate=1e-2, loss=squared_hinge)


def bwn():
    torch.manual_seed(0)
    return fit(Network(
        pixels=Pixels(), conv1=Conv(1, 8, Integers(8)), norm1=Norm(8), relu1=Relu(), pool1=MaxPool(),
        conv2=Conv(8, 8, ScaledBipolar()), norm2=Norm(8), relu2=Relu(),
        conv3=Conv(8, 8, ScaledBipolar()), pool3=MaxPool(), norm3=Norm(8), relu3=Relu(),
        flatten=Flatten(), linear4=Linear(32, 10, Integers(8), bias=True)), epochs=100, rate=5e-3)


def bnn():
    torch.manual_seed(0)
    return fit(Network(
        pixels=Pixels(), flatten=Flatten(), linear1=Linear(64, 48, Bipolar()), norm1=Norm(48, eps=1e-4), sign1=Sign(),
        linear2=Linear(48, 24, Bipolar()), norm2=Norm(24, eps=1e-4), sign2=Sign(),
        linear3=Linear(24, 10, Bipolar()), norm3=Norm(10, eps=1e-4)), epochs=200, rate=1e-2, loss=squared_hinge)


def power_of_two(x):
    """The nearest power of two in the exponent, with the sign: AP2. Gradients pass as if nothing had happened."""
    return through(sign(x) * 2.0 ** torch.round(torch.log2(x.abs())), x)


class ShiftNorm(nn.Module):
    """Shift-based batch normalisation: every factor is a power of two, in the variance as well."""

    def __init__(self, channels, eps=1e-4):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))
        self.eps = eps

    def forward(self, x):
        mean, variance = self.mean, self.variance
        if self.training:
            axes = [0, *range(2, x.dim())]
            mean = x.mean(axes)
            centred = x - across(mean, x)
            variance = (centred * power_of_two(centred)).mean(axes)
            with torch.no_grad():
                self.mean.lerp_(mean, 0.1)
                self.variance.lerp_(variance, 0.1)
        return (x - across(mean, x)) * across(self.factor(variance), x) + across(self.bias, x)

    def factor(self, variance):
        return power_of_two(1 / torch.sqrt(variance + self.eps)) * power_of_two(self.weight)

    def emit(self, graph, name, x):
        # behind a convolution or not: the graph's last node tells
        convolutional = graph.nodes[-1].op_type in ("Conv", "MaxPool")
        for kind, role, values in (("Add", "mean", -self.mean), ("Mul", "factor", self.factor(self.variance)),
                                   ("Add", "offset", self.bias)):
            values = channel_constant(graph, f"{name}_{role}_values", values, convolutional)
            x = graph.node(kind, [x, values], f"{name}_{role}")
        return x


def bnn_shift():
    torch.manual_seed(0)
    return fit(Network(
        pixels=Pixels(), flatten=Flatten(), linear1=Linear(64, 48, Bipolar()), norm1=ShiftNorm(48), sign1=Sign(),
        linear2=Linear(48, 24, Bipolar()), norm2=ShiftNorm(24), sign2=Sign(),
        linear3=Linear(24, 10, Bipolar()), norm3=Norm(10, eps=1e-4)), epochs=200, rate=1e-2, loss=squared_hinge)


class BitInput(nn.Module):
    """+1 where a pixel is 8 or more, else -1."""

    def forward(self, x):
        return sign(x - 7.5)

    def emit(self, graph, name, x):
        x = graph.node("Add", [x, graph.constant(f"{name}_minus_threshold", -7.5)], f"{name}_shift")
        return graph.bipolar(x, name)


class BitLinear(Product):
    """-1 and +1 everywhere; the bias is one more tap. Sums are odd where inputs are even in number: never 0."""

    def __init__(self, inputs, outputs):
        super().__init__((outputs, inputs), Bipolar(), bias=True)
        nn.init.uniform_(self.bias, -0.1, 0.1)
        self.compressed = True  # the first stage: real numbers within +-1 instead of signs
        self.reach = (inputs + 1) ** 0.5

    def forward(self, x):
        if self.compressed:
            return nn.functional.linear(x, torch.tanh(self.weight), torch.tanh(self.bias))
        return nn.functional.linear(x, self.quantized(), through(sign(self.bias), self.bias))

    def emit(self, graph, name, x):
        x = graph.node("MatMul", [x, emit(graph, f"{name}_weight", self.parts(), True)], name)
        bias = emit(graph, f"{name}_bias_values", [Part("bipolar", sign(self.bias))], False)
        return graph.node("Add", [x, bias], f"{name}_bias")


class BitActivation(nn.Module):
    """tanh in the first stage, the sign in the second, with the gradient of a tanh half as wide as the sums are."""

    def __init__(self, width):
        super().__init__()
        self.compressed, self.width = True, width

    def forward(self, x):
        if self.compressed:
            return torch.tanh(x)
        return through(sign(x), torch.tanh(2 * x / self.width))

    def emit(self, graph, name, x):
        return graph.bipolar(x, name)


def bitwise():
    torch.manual_seed(0)
    network = Network(
        pixels=Pixels(), input=BitInput(), flatten=Flatten(), linear1=BitLinear(64, 90), sign1=BitActivation(8),
        linear2=BitLinear(90, 32), sign2=BitActivation(9), linear3=BitLinear(32, 10))
    fit(network, epochs=60, rate=5e-3)
    for layer in network:
        if isinstance(layer, (BitLinear, BitActivation)):
            layer.compressed = False
    return fit(network, epochs=150, rate=1e-2, seed=1,
               loss=lambda scores, labels: cross_entropy(scores / 8, labels))


def fp_bnn():
    torch.manual_seed(0)
    return fit(Network(
        pixels=Pixels(), conv1=Conv(1, 8, Bipolar()), norm1=ShiftNorm(8), sign1=Sign(),
        conv2=Conv(8, 8, Bipolar()), pool2=MaxPool(), norm2=ShiftNorm(8), sign2=Sign(),
        flatten=Flatten(), linear3=Linear(128, 10, Bipolar()), norm3=ShiftNorm(10)),
        epochs=150, rate=1e-2, loss=squared_hinge)


def input_reuse():
    torch.manual_seed(0)
    return fit(Network(
        pixels=Pixels(), conv1=Conv(1, 8, Bipolar()), norm1=Norm(8), sign1=Sign(),
        conv2=Conv(8, 8, Bipolar()), norm2=Norm(8), sign2=Sign(),
        conv3=Conv(8, 8, Bipolar()), pool3=MaxPool(), norm3=Norm(8), sign3=Sign(),
        flatten=Flatten(), linear4=Linear(128, 10, Bipolar()), norm4=Norm(10)),
        epochs=150, rate=1e-2, loss=squared_hinge)


class IntegerBias(nn.Module):
    """An integer added to each channel's sum."""

    def __init__(self, values, convolutional):
        super().__init__()
        self.values, self.convolutional = nn.Parameter(values), convolutional

    def forward(self, x):
        return x + across(through(torch.round(self.values), self.values), x)

    def emit(self, graph, name, x):
        values = channel_constant(graph, f"{name}_values", torch.round(self.values), self.convolutional)
        return graph.node("Add", [x, values], name)


def without_norm(layer, norm):
    """The integer that makes the sign of the sum what the sign behind the norm was. Where the norm's factor is
    negative the layer's weights are negated, so that one comparison does for all channels."""
    with torch.no_grad():
        layer.weight.mul_(torch.where(norm.weight < 0, -1.0, 1.0).view(-1, 1, 1, 1))
        threshold = norm.running_mean.double() - norm.bias.double() / norm.weight.double() * torch.sqrt(
            norm.running_var.double() + norm.eps)
        bias = torch.floor(torch.where(norm.weight < 0, threshold, -threshold))
        return IntegerBias(bias.float(), True)


def bn_free():
    torch.manual_seed(0)
    network = fit(Network(
        pixels=Pixels(), conv1=Conv(1, 8, Bipolar()), bias1=Norm(8), sign1=Sign(),
        conv2=Conv(8, 8, Bipolar()), bias2=Norm(8), sign2=Sign(), pool2=MaxPool(),
        flatten=Flatten(), linear3=Linear(128, 10, Bipolar()), bias3=IntegerBias(torch.zeros(10), False)),
        epochs=150, rate=1e-2, loss=lambda scores, labels: cross_entropy(scores / 8, labels))
    network.bias1 = without_norm(network.conv1, network.bias1)
    network.bias2 = without_norm(network.conv2, network.bias2)
    return network
