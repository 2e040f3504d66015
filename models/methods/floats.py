"""Networks with real weights: a start for methods that quantise what was trained, and two files of their own."""
import torch

from layers import Conv, Flatten, Linear, MaxPool, Network, Norm, Pixels, Relu
from training import fit
from weights import Integers


def digits_float():
    torch.manual_seed(0)
    return fit(Network(
        conv1=Conv(1, 8), norm1=Norm(8), relu1=Relu(), pool1=MaxPool(),
        conv2=Conv(8, 12), norm2=Norm(12), relu2=Relu(),
        flatten=Flatten(), linear3=Linear(192, 10, bias=True)), epochs=40, rate=5e-3)


def digits_float_mlp():
    torch.manual_seed(0)
    return fit(Network(
        flatten=Flatten(), linear1=Linear(64, 32), norm1=Norm(32), relu1=Relu(),
        linear2=Linear(32, 16), norm2=Norm(16), relu2=Relu(),
        linear3=Linear(16, 10, bias=True)), epochs=80, rate=5e-3)


def float_conv():
    """Where methods begin that need a trained network with convolutions."""
    torch.manual_seed(0)
    return fit(Network(
        pixels=Pixels(), conv1=Conv(1, 8), norm1=Norm(8), relu1=Relu(), pool1=MaxPool(),
        conv2=Conv(8, 8), norm2=Norm(8), relu2=Relu(),
        flatten=Flatten(), linear3=Linear(128, 10, bias=True)), epochs=40, rate=5e-3)


def float_mlp():
    """Where methods begin that need a trained network of fully connected layers."""
    torch.manual_seed(0)
    return fit(Network(
        pixels=Pixels(), flatten=Flatten(), linear1=Linear(64, 32), norm1=Norm(32), relu1=Relu(),
        linear2=Linear(32, 16), norm2=Norm(16), relu2=Relu(),
        linear3=Linear(16, 10, bias=True)), epochs=80, rate=5e-3)


def conv_between_edges():
    """Two convolutions with real weights between a first and a last layer of 8 bits."""
    torch.manual_seed(0)
    return fit(Network(
        pixels=Pixels(), conv1=Conv(1, 8, Integers(8)), norm1=Norm(8), relu1=Relu(), pool1=MaxPool(),
        conv2=Conv(8, 8), norm2=Norm(8), relu2=Relu(), conv3=Conv(8, 8), pool3=MaxPool(), norm3=Norm(8), relu3=Relu(),
        flatten=Flatten(), linear4=Linear(32, 10, Integers(8), bias=True)), epochs=30, rate=5e-3)
