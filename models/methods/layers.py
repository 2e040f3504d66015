"""Layers that can be trained and written: `forward` for torch, `emit` for the file."""
import numpy as np
import torch
from torch import nn

from weights import Quantizer, emit, sign, through


class Network(nn.Sequential):
    """Layers by name, in order."""

    def __init__(self, **layers):
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)

    def emit(self, graph, x):
        for name, layer in self.named_children():
            x = layer.emit(graph, name, x)
        return x

    def products(self):
        """The layers with weights."""
        return [layer for layer in self.modules() if isinstance(layer, Product)]


class Pixels(nn.Module):
    """The input: pixels 0..16 are integers of 5 bits already."""

    def forward(self, x):
        return x

    def emit(self, graph, name, x):
        return graph.quant(x, name, bits=5, scale=1.0, signed=False)


class Flatten(nn.Flatten):
    def emit(self, graph, name, x):
        return graph.node("Flatten", [x], name, axis=1)


class MaxPool(nn.MaxPool2d):
    """The largest of 2x2."""

    def __init__(self):
        super().__init__(2)

    def emit(self, graph, name, x):
        return graph.node("MaxPool", [x], name, kernel_shape=[2, 2], strides=[2, 2])


class Relu(nn.ReLU):
    def emit(self, graph, name, x):
        return graph.node("Relu", [x], name)


class Product(nn.Module):
    """What fully connected layers and convolutions have in common: weights with a quantizer, perhaps a bias."""

    def __init__(self, shape, quantizer, bias):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
        nn.init.kaiming_uniform_(self.weight, a=5 ** 0.5)
        self.bias = nn.Parameter(torch.zeros(shape[0])) if bias else None
        self.quantizer = quantizer or Quantizer()

    def quantized(self):
        return self.quantizer(self.weight)

    def parts(self):
        return self.quantizer.parts(self.weight)


class Linear(Product):
    def __init__(self, inputs, outputs, quantizer=None, bias=False):
        super().__init__((outputs, inputs), quantizer, bias)

    def forward(self, x):
        return nn.functional.linear(x, self.quantized(), self.bias)

    def emit(self, graph, name, x):
        x = graph.node("MatMul", [x, emit(graph, f"{name}_weight", self.parts(), True)], name)
        if self.bias is None:
            return x
        return graph.node("Add", [x, graph.constant(f"{name}_bias_values", self.bias.detach())], f"{name}_bias")


class Conv(Product):
    """3x3, with a border of zeros that keeps the size."""

    def __init__(self, inputs, outputs, quantizer=None, bias=False):
        super().__init__((outputs, inputs, 3, 3), quantizer, bias)

    def forward(self, x):
        return nn.functional.conv2d(x, self.quantized(), self.bias, padding=1)

    def emit(self, graph, name, x):
        inputs = [x, emit(graph, f"{name}_weight", self.parts(), False)]
        if self.bias is not None:
            inputs.append(graph.constant(f"{name}_bias", self.bias.detach()))
        return graph.node("Conv", inputs, name, kernel_shape=[3, 3], pads=[1] * 4, strides=[1, 1])


class Norm(nn.BatchNorm1d):
    """Batch normalisation for both kinds of layers."""

    def _check_input_dim(self, x):
        assert x.dim() in (2, 4)

    def emit(self, graph, name, x):
        ones = torch.ones(self.num_features)
        values = {"weight": self.weight if self.affine else ones, "bias": self.bias if self.affine else 0 * ones,
                  "mean": self.running_mean, "variance": self.running_var}
        inputs = [graph.constant(f"{name}_{key}", value.detach()) for key, value in values.items()]
        return graph.node("BatchNormalization", [x, *inputs], name, epsilon=self.eps)


class Sign(nn.Module):
    """-1 or +1; gradients pass where the input is within +-1."""

    def forward(self, x):
        return through(sign(x), x.clamp(-1, 1))

    def emit(self, graph, name, x):
        return graph.bipolar(x, name)


class Uniform(nn.Module):
    """Unsigned integers of `bits` bits times a scale: rounded, halves to the even neighbour, and clipped."""

    def __init__(self, bits, scale):
        super().__init__()
        self.bits, self.largest = bits, 2 ** bits - 1
        self.scale = float(np.float32(scale))

    def forward(self, x):
        clipped = x.clamp(0, self.largest * self.scale)
        return through(torch.round(clipped / self.scale) * self.scale, clipped)

    def emit(self, graph, name, x):
        return graph.quant(x, name, self.bits, self.scale, signed=False)


class SignedUniform(nn.Module):
    """Signed integers of `bits` bits times a scale."""

    def __init__(self, bits, scale):
        super().__init__()
        self.bits, self.scale = bits, float(np.float32(scale))

    def forward(self, x):
        half = 2 ** (self.bits - 1)
        clipped = x.clamp(-half * self.scale, (half - 1) * self.scale)
        return through(torch.round(clipped / self.scale) * self.scale, clipped)

    def emit(self, graph, name, x):
        return graph.quant(x, name, self.bits, self.scale, signed=True)


def across(values, like):
    """One value per channel as a tensor that broadcasts over `like`."""
    return values.view(1, -1, *[1] * (like.dim() - 2))


def channel_constant(graph, name, values, convolutional):
    """One value per channel, for Add and Mul behind a convolution or a product of matrices."""
    values = values.detach().numpy()
    return graph.constant(name, values.reshape(-1, 1, 1) if convolutional else values)


def outputs_of(network, images):
    """What each layer of a trained network makes of the images, by name."""
    outputs = {}
    with torch.no_grad():
        for name, layer in network.named_children():
            images = outputs[name] = layer(images)
    return outputs


def power_of_two_scale(values, largest):
    """The smallest power of two that keeps the values within `largest` steps."""
    return 2.0 ** float(torch.ceil(torch.log2(values.abs().max() / largest)))
