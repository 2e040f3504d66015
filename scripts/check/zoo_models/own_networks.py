"""Networks in Brevitas after those of FINN's and hls4ml's model zoos, which are on no package index."""
import torch
from brevitas import nn as qnn
from brevitas.quant import Int8ActPerTensorFloat, Int8WeightPerChannelFloat
from torch import nn


def convolution(inputs, outputs, bits, kernel=3, stride=1, groups=1):
    """Convolution, batch norm and quantised ReLU."""
    return nn.Sequential(
        qnn.QuantConv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False,
                        weight_quant=Int8WeightPerChannelFloat, weight_bit_width=bits),
        nn.BatchNorm2d(outputs),
        qnn.QuantReLU(bit_width=bits, return_quant_tensor=True))


def image():
    return qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=8, return_quant_tensor=True)


class Vgg10(nn.Module):
    """RadioML VGG10: seven 1-D convolutions on 2 x 1024 samples, three dense layers, 24 modulations."""

    def __init__(self, bits):
        super().__init__()
        layers, channels = [image()], 2
        for _ in range(7):
            layers += [qnn.QuantConv1d(channels, 64, 3, padding=1, bias=False, weight_bit_width=bits),
                       nn.BatchNorm1d(64), qnn.QuantReLU(bit_width=bits, return_quant_tensor=True), nn.MaxPool1d(2)]
            channels = 64
        layers.append(nn.Flatten())
        inputs = 64 * 8
        for _ in range(2):
            layers += [qnn.QuantLinear(inputs, 128, bias=False, weight_bit_width=bits), nn.BatchNorm1d(128),
                       qnn.QuantReLU(bit_width=bits, return_quant_tensor=True)]
            inputs = 128
        layers.append(qnn.QuantLinear(128, 24, bias=True, weight_bit_width=bits))
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


class Branched(nn.Module):
    """Two branches of unlike kernels and scales, concatenated, and a residual sum."""

    def __init__(self, bits):
        super().__init__()
        self.image = image()
        self.stem = convolution(3, 16, bits)
        self.narrow, self.wide = convolution(16, 8, bits, 1), convolution(16, 8, bits, 5)
        self.join = convolution(16, 16, bits)
        self.sum = qnn.QuantReLU(bit_width=bits, return_quant_tensor=True)
        self.pool = nn.MaxPool2d(4)
        self.dense = qnn.QuantLinear(16 * 64, 10, bias=True, weight_bit_width=bits)

    def forward(self, x):
        x = self.stem(self.image(x))
        # As tensors: Brevitas itself refuses quantised tensors of unlike scales here.
        both = torch.cat([self.narrow(x).value, self.wide(x).value], 1)
        return self.dense(torch.flatten(self.pool(self.sum(self.join(both).value + x.value).value), 1))


class Separable(nn.Module):
    """Depthwise and pointwise convolutions, an average over the image."""

    def __init__(self, bits):
        super().__init__()
        pairs = [(16, 32, 2), (32, 32, 1), (32, 64, 2)]
        layers = [image(), convolution(3, 16, bits)]
        for inputs, outputs, stride in pairs:
            layers += [convolution(inputs, inputs, bits, 3, stride, inputs), convolution(inputs, outputs, bits, 1)]
        self.layers = nn.Sequential(*layers)
        self.mean = nn.AdaptiveAvgPool2d(1)
        self.pooled = qnn.QuantIdentity(bit_width=bits)
        self.dense = qnn.QuantLinear(64, 10, bias=True, weight_bit_width=bits)

    def forward(self, x):
        return self.dense(torch.flatten(self.pooled(self.mean(self.layers(x).value)), 1))


class Unet(nn.Module):
    """Two levels down and up again, nearest neighbours, concatenation with what went down."""

    def __init__(self, bits):
        super().__init__()
        self.image = image()
        self.down = nn.ModuleList([convolution(3, 8, bits), convolution(8, 16, bits)])
        self.bottom = convolution(16, 16, bits)
        self.up = nn.ModuleList([convolution(32, 8, bits), convolution(16, 8, bits)])
        self.pool, self.enlarge = nn.MaxPool2d(2), nn.Upsample(scale_factor=2, mode="nearest")
        self.classes = qnn.QuantConv2d(8, 4, 1, bias=True, weight_bit_width=bits)

    def forward(self, x):
        fine = self.down[0](self.image(x)).value
        middle = self.down[1](self.pool(fine)).value
        low = self.bottom(self.pool(middle)).value
        middle = self.up[0](torch.cat([self.enlarge(low), middle], 1)).value
        return self.classes(self.up[1](torch.cat([self.enlarge(middle), fine], 1)))


OWN = {"vgg10": (Vgg10, (2, 1024)), "branched": (Branched, (3, 32, 32)), "separable": (Separable, (3, 32, 32)),
       "unet": (Unet, (3, 32, 32))}
