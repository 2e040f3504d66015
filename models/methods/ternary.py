"""Weights -1, 0 and +1: ternary weight networks, trained ternary quantization, fine-grained quantization."""
import torch
from torch import nn

from floats import conv_between_edges, float_conv
from layers import Flatten, Linear, Network, Norm, Pixels, Relu, Uniform, outputs_of, power_of_two_scale
from training import IMAGES, calibrate_norms, fit
from weights import Fixed, Integers, Part, Quantizer


class Ternary(Quantizer):
    """0 where the magnitude is at most 0.7 of the mean one; the others' mean magnitude is the layer's scale."""

    def parts(self, w):
        w = w.detach()
        threshold = 0.7 * w.abs().mean()
        kept = w.abs() > threshold
        return [Part("integer", w.sign() * kept, w.abs()[kept].mean(), 2)]


def twn():
    torch.manual_seed(0)
    return fit(Network(
        pixels=Pixels(), flatten=Flatten(), linear1=Linear(64, 32, Ternary()), norm1=Norm(32), relu1=Relu(),
        linear2=Linear(32, 16, Ternary()), norm2=Norm(16), relu2=Relu(),
        linear3=Linear(16, 10, Ternary()), norm3=Norm(10)), epochs=100, rate=5e-3)


class TrainedTernary(Quantizer):
    """+Wp, 0 or -Wn, both trained; 0 where the magnitude is at most a twentieth of the largest."""

    def __init__(self, w):
        super().__init__()
        kept = w.detach().abs() > 0.05 * w.detach().abs().max()
        self.positive = nn.Parameter(w.detach()[kept & (w > 0)].mean())
        self.negative = nn.Parameter(-w.detach()[kept & (w < 0)].mean())

    def forward(self, w):
        threshold = 0.05 * w.detach().abs().max()
        above, below = w > threshold, w < -threshold
        value = self.positive * above - self.negative * below
        slope = torch.where(above, self.positive, torch.where(below, self.negative, 1.0)).detach()
        return value + (w - w.detach()) * slope

    def parts(self, w):
        return [Part("plain", self.forward(w))]


def ttq():
    network = conv_between_edges()
    for layer in (network.conv2, network.conv3):
        layer.quantizer = TrainedTernary(layer.weight)
    return fit(network, epochs=70, rate=3e-3, seed=1)


def ternary_groups(w, size):
    """Groups of `size` inputs at one position: the ternary values and the scale that are nearest to each group."""
    outputs, inputs, *window = w.shape
    groups = w.detach().view(outputs, inputs // size, size, -1).movedim(2, -1)
    ranked, order = groups.abs().sort(-1, descending=True)
    counts = torch.arange(1, size + 1)
    best = (ranked.cumsum(-1) ** 2 / counts).argmax(-1, keepdim=True)  # how many are kept, less one
    kept = torch.zeros_like(groups).scatter(-1, order, (torch.arange(size) <= best).float())
    scale = (ranked.cumsum(-1) / counts).gather(-1, best)
    step = 2.0 ** torch.ceil(torch.log2(scale.max() / 255))
    scale = torch.round(scale / step) * step  # 8 bits, fixed point
    return (groups.sign() * kept * scale).movedim(-1, 2).reshape(outputs, inputs, *window)


def fgq():
    network = float_conv()
    outputs = outputs_of(network, IMAGES)
    relus = ("relu1", "relu2")
    quantized = Network(**{
        name: Uniform(8, power_of_two_scale(outputs[name], 255)) if name in relus else layer
        for name, layer in network.named_children()})
    quantized.conv1.quantizer = Integers(8)
    quantized.conv2.quantizer = Fixed(Part("plain", ternary_groups(network.conv2.weight, 4)))
    last = network.linear3.weight  # its inputs are 8 channels of 4x4 pixels
    quantized.linear3.quantizer = Fixed(Part("plain", ternary_groups(last.view(10, 8, 16), 4).view(10, 128)))
    return calibrate_norms(quantized)
