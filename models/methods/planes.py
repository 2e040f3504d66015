"""Sums of +-1 planes: XNOR-Net, without and with its run-time scale K, HORQ and ABC-Net."""
import torch
from torch import nn

from layers import Conv, Flatten, Linear, MaxPool, Network, Norm, Pixels, Relu, Sign, SignedUniform, Uniform
from training import IMAGES, fit
from weights import Integers, Part, Quantizer, ScaledBipolar, sign, through


def xnor_net():
    torch.manual_seed(0)
    return fit(Network(
        pixels=Pixels(), conv1=Conv(1, 8, Integers(8)), norm1=Norm(8), relu1=Relu(), pool1=MaxPool(),
        norm2=Norm(8, eps=1e-4, affine=False), sign2=Sign(), conv2=Conv(8, 8, ScaledBipolar()),
        norm3=Norm(8, eps=1e-4, affine=False), sign3=Sign(), conv3=Conv(8, 8, ScaledBipolar()), pool3=MaxPool(),
        norm4=Norm(8), quant4=Uniform(4, 0.25), flatten=Flatten(), linear4=Linear(32, 10, Integers(8), bias=True)),
        epochs=150, rate=5e-3)


class XnorConv(Conv):
    """A convolution of signs times K: the mean magnitude over channels, averaged over the window."""

    def forward(self, x):
        k = nn.functional.avg_pool2d(x.abs().mean(1, keepdim=True), 3, stride=1, padding=1)
        return super().forward(through(sign(x), x.clamp(-1, 1))) * k

    def emit(self, graph, name, x):
        channels = self.weight.shape[1]
        magnitude = graph.node("Abs", [x], f"{name}_magnitude")
        mean = graph.constant(f"{name}_mean_weight", torch.full((1, channels, 1, 1), 1 / channels))
        mean = graph.node("Conv", [magnitude, mean], f"{name}_mean", kernel_shape=[1, 1])
        box = graph.constant(f"{name}_box_weight", torch.full((1, 1, 3, 3), 1 / 9))
        k = graph.node("Conv", [mean, box], f"{name}_box", kernel_shape=[3, 3], pads=[1] * 4)
        sums = super().emit(graph, name, graph.bipolar(x, f"{name}_sign"))
        return graph.node("Mul", [sums, k], f"{name}_scaled")


def xnor_net_k():
    torch.manual_seed(0)
    return fit(Network(
        pixels=Pixels(), conv1=Conv(1, 8, Integers(8)), norm1=Norm(8), relu1=Relu(), pool1=MaxPool(),
        norm2=Norm(8, eps=1e-4, affine=False), quant2=SignedUniform(4, 0.5), conv2=XnorConv(8, 8, ScaledBipolar()),
        norm3=Norm(8, eps=1e-4, affine=False), quant3=SignedUniform(4, 0.5), conv3=XnorConv(8, 8, ScaledBipolar()),
        pool3=MaxPool(), norm4=Norm(8), quant4=Uniform(4, 0.25), flatten=Flatten(),
        linear4=Linear(32, 10, Integers(8), bias=True)), epochs=150, rate=5e-3)


class ResidualSigns(nn.Module):
    """beta1 sign(x) + beta2 sign(x - beta1 sign(x)). While training, each beta is the mean magnitude over the batch;
    afterwards the one over the training part."""

    def __init__(self):
        super().__init__()
        self.register_buffer("betas", torch.ones(2))

    def forward(self, x):
        residual, total = x, 0
        for n in range(2):
            if self.training:
                self.betas[n] = residual.detach().abs().mean()
            plane = self.betas[n].clone() * sign(residual)
            residual, total = residual - plane, total + plane
        return through(total, x.clamp(-1.5, 1.5))

    def emit(self, graph, name, x):
        first = graph.bipolar(x, f"{name}_1", self.betas[0].item())
        residual = graph.node("Sub", [x, first], f"{name}_residual")
        second = graph.bipolar(residual, f"{name}_2", self.betas[1].item())
        return graph.node("Add", [first, second], name)


def horq():
    torch.manual_seed(0)
    network = fit(Network(
        pixels=Pixels(), flatten=Flatten(), linear1=Linear(64, 32, ScaledBipolar()),
        norm1=Norm(32, affine=False), quant1=SignedUniform(6, 2 ** -3), signs1=ResidualSigns(),
        linear2=Linear(32, 16, ScaledBipolar()),
        norm2=Norm(16, affine=False), quant2=SignedUniform(6, 2 ** -3), signs2=ResidualSigns(),
        linear3=Linear(16, 10, ScaledBipolar()), norm3=Norm(10)), epochs=200, rate=5e-3)
    with torch.no_grad():
        x = IMAGES
        for layer in network:
            layer.train(isinstance(layer, ResidualSigns))
            x = layer(x)
    return network.eval()


class Bases(Quantizer):
    """alpha1 B1 + alpha2 B2 + alpha3 B3: signs of the weights shifted by -1, 0 and 1 deviations, coefficients by least
    squares."""

    shifts = (-1.0, 0.0, 1.0)

    def parts(self, w):
        w = w.detach()
        bases = torch.stack([sign(w - w.mean() + shift * w.std()) for shift in self.shifts])
        columns = bases.flatten(1).double().T
        alphas = torch.linalg.lstsq(columns, w.flatten().double()[:, None]).solution.flatten().float()
        # the file's scales are positive
        return [Part("bipolar", base * sign(alpha), alpha.abs()) for base, alpha in zip(bases, alphas)]

    def forward(self, w):
        parts = self.parts(w)
        return through(sum(part.product() for part in parts), w * sum(part.scale for part in parts))


class ShiftedSigns(nn.Module):
    """beta1 A1 + beta2 A2: A is +1 where the input plus a trained shift is at least 1/2, else -1."""

    def __init__(self, shifts):
        super().__init__()
        self.shifts = nn.Parameter(torch.tensor(shifts))
        self.betas = nn.Parameter(torch.full((len(shifts),), 1 / len(shifts)))

    def forward(self, x):
        total = 0
        for shift, beta in zip(self.shifts, self.betas):
            plane = through(sign(x + (shift - 0.5)), 2 * (x + shift).clamp(0, 1) - 1)
            total = total + beta.abs() * plane
        return total

    def emit(self, graph, name, x):
        planes = []
        for n, (shift, beta) in enumerate(zip(self.shifts.detach(), self.betas.detach()), 1):
            offset = graph.constant(f"{name}_{n}_shift_value", shift - 0.5)
            shifted = graph.node("Add", [x, offset], f"{name}_{n}_shift")
            planes.append(graph.bipolar(shifted, f"{name}_{n}", beta.abs().item()))
        return graph.node("Add", planes, name)


def abc_net():
    torch.manual_seed(0)
    return fit(Network(
        pixels=Pixels(), conv1=Conv(1, 8, Integers(8)), pool1=MaxPool(), norm1=Norm(8), signs1=ShiftedSigns([1.0, 0.0]),
        conv2=Conv(8, 8, Bases()), norm2=Norm(8), signs2=ShiftedSigns([1.0, 0.0]),
        conv3=Conv(8, 8, Bases()), pool3=MaxPool(), norm3=Norm(8), signs3=ShiftedSigns([1.0, 0.0]),
        flatten=Flatten(), linear4=Linear(32, 10, Integers(8), bias=True)), epochs=150, rate=5e-3)
