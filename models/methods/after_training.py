"""Methods that quantise a trained network without training it further: ShiftCNN, the fixed point of ZF-Net in VHDL,
quant.py."""
import torch
from torch import nn

from floats import float_conv, float_mlp
from layers import Conv, Flatten, Linear, MaxPool, Network, Pixels, Relu, outputs_of, power_of_two_scale
from training import IMAGES
from weights import Fixed, Part, sign


def shift_codes(w, terms=2, bits=4):
    """Each weight as a sum of powers of two: greedily the nearest one, then the nearest to what is left. The results are
    integers, whose unit is the smallest of these powers."""
    rest = (w / w.abs().max()).double()
    total = torch.zeros_like(rest)
    for n in range(1, terms + 1):
        exponent = torch.floor(torch.log2(rest.abs()))
        exponent += torch.log2(rest.abs()) > exponent + torch.log2(torch.tensor(1.5, dtype=torch.float64))
        small = 2 - n - exponent > 2 ** (bits - 1) - 1
        digit = torch.where(small, 0.0, sign(rest) * 2.0 ** exponent)
        total, rest = total + digit, rest - digit
    return total * 2 ** (2 ** (bits - 1) + terms - 3)


def shift_cnn():
    network = float_mlp()
    for layer in network.products():
        w = layer.weight.detach()
        layer.quantizer = Fixed(Part("integer", shift_codes(w).float(), w.abs().max() / 128, 9))
    return network


class Saturated(nn.Module):
    """8 signed bits times a power of two: what lies between two steps is cut down, what is too large stays at 127."""

    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def forward(self, x):
        return torch.floor(x / self.scale).clamp(-128, 127) * self.scale

    def emit(self, graph, name, x):
        return graph.quant(x, name, 8, self.scale, signed=True, rounding="FLOOR")


class HalfUp(Saturated):
    """The same, but to the nearest step: halves go up."""

    def forward(self, x):
        return super().forward(x + self.scale / 2)

    def emit(self, graph, name, x):
        half = graph.constant(f"{name}_half_step", self.scale / 2)
        return super().emit(graph, name, graph.node("Add", [x, half], f"{name}_half"))


def fixed_point(layer, w, bias, input_scale):
    """Weights of 8 bits with a power of two as the scale; biases of 8 bits, shifted left to where the sums are."""
    scale = power_of_two_scale(w, 127)
    layer.quantizer = Fixed(Part("integer", torch.round(w / scale).clamp(-127, 127), scale, 8))
    step = max(power_of_two_scale(bias, 127), scale * input_scale)
    layer.bias.data = torch.round(bias / step).clamp(-127, 127) * step
    return layer


def zfnet_8bit():
    trained = float_conv()

    def folded(layer, norm):
        factor = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach()
        return layer.weight.detach() * factor.view(-1, 1, 1, 1), (norm.bias - norm.running_mean * factor).detach()

    outputs = outputs_of(trained, IMAGES)
    scales = [1.0] + [power_of_two_scale(outputs[name], 128) for name in ("relu1", "relu2")]
    last = trained.linear3
    return Network(
        pixels=Pixels(),
        conv1=fixed_point(Conv(1, 8, bias=True), *folded(trained.conv1, trained.norm1), scales[0]),
        relu1=Relu(), shift1=Saturated(scales[1]), pool1=MaxPool(),
        conv2=fixed_point(Conv(8, 8, bias=True), *folded(trained.conv2, trained.norm2), scales[1]),
        relu2=Relu(), shift2=Saturated(scales[2]), flatten=Flatten(),
        linear3=fixed_point(Linear(128, 10, bias=True), last.weight.detach(), last.bias.detach(), scales[2])).eval()


def linear_step(values, bits):
    """The step of quant.py's `linear`: a power of two by the largest magnitude."""
    return 2.0 ** (float(torch.ceil(torch.log2(values.abs().max() + 1e-12))) - (bits - 1))


def linear_codes(values, bits):
    step = linear_step(values, bits)
    return torch.floor(values / step + 0.5).clamp(-2 ** (bits - 1), 2 ** (bits - 1) - 1), step


def quant_py_linear():
    network = float_mlp()
    outputs = outputs_of(network, IMAGES)
    layers = {}
    for name, layer in network.named_children():
        layers[name] = layer
        if isinstance(layer, Linear):
            codes, step = linear_codes(layer.weight.detach(), 8)
            layer.quantizer = Fixed(Part("integer", codes, step, 8, narrow=False))
            if layer.bias is not None:
                codes, step = linear_codes(layer.bias.detach(), 8)
                layer.bias.data = codes * step
        elif isinstance(layer, nn.BatchNorm1d):
            for values in (layer.weight.data, layer.bias.data, layer.running_mean, layer.running_var):
                codes, step = linear_codes(values, 16)
                values.copy_(codes * step)
        if isinstance(layer, (Linear, nn.BatchNorm1d)):
            layers[f"{name}_quant"] = HalfUp(linear_step(outputs[name], 8))
    return Network(**layers).eval()
