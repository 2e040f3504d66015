#!/usr/bin/env python3
"""Networks of brevitas_examples, and our own in Brevitas, exported as QONNX or QCDQ, for zoo.py.

  from_brevitas.py --list               names, one a line
  from_brevitas.py FOLDER NAME...       writes model.onnx, input.npy and about.json of each into FOLDER/NAME
"""
import os
import sys
import warnings

from drawn import make_all

IMAGES = 10
FULLY = {"tfc": 64, "sfc": 256, "lfc": 1024}  # and how many units a layer has
FORMS = {"qonnx": "QONNX", "qcdq": "QCDQ"}
# Widths of each in QONNX and in QCDQ, which has no form for 1 bit.
BNN = {"qonnx": ("1w1a", "2w2a"), "qcdq": ("2w2a", "4w4a")}
LARGE = {"resnet18": ("4w4a", "8w8a"), "mobilenetv1": ("4b", "8b"), "proxylessnas": ("4b", "4b5b"),
         "vgg11": ("4b", "8b"), "espcn": ("4b", "8b")}
OWN = ("vgg10", "branched", "separable", "unet")
UNQUANTISED = ("resnet18", "mobilenetv1", "proxylessnas", "vgg11")  # take the image as it is


def names():
    for net in (*FULLY, "cnv"):
        yield from (f"{net}_{width}.{form}" for form in FORMS for width in BNN[form])
    for net, widths in LARGE.items():
        yield from (f"{net}_{width}.{form}" for form in FORMS for width in widths)
    for net in OWN:
        yield from (f"{net}_{width}.{form}" for form, width in (("qonnx", "4b"), ("qcdq", "8b")))


def bnn_pynq(net, width):
    from brevitas_examples.bnn_pynq import models
    base = "4w4a" if net == "resnet18" else "1w1a"
    _, config = models.model_with_cfg(f"{net}_{base}", pretrained=False)
    config.set("QUANT", "WEIGHT_BIT_WIDTH", width[0])
    config.set("QUANT", "ACT_BIT_WIDTH", width[2])
    if net in FULLY:  # their own configurations have images as narrow as activations
        config.set("QUANT", "IN_BIT_WIDTH", width[2])
    return models.model_impl[config.get("MODEL", "ARCH")](config)


def imagenet(net, width):
    """Trained for 224 x 224; on 64 x 64 the last map is 2 x 2, which the average pool then covers."""
    from brevitas import nn as qnn
    from brevitas_examples.imagenet_classification import models
    bits = int(width[0])
    if net == "vgg11":
        network = models.quant_vgg11_bn(bit_width=bits, num_classes=10)
        network.classifier[0] = qnn.QuantLinear(512, 512, bias=True, weight_bit_width=bits)
        network.classifier[3] = qnn.QuantLinear(512, 512, bias=True, weight_bit_width=bits)
        network.classifier[6] = qnn.QuantLinear(512, 10, bias=False, weight_bit_width=bits)
        network.avgpool.kernel_size = 2
        return network
    config = {"mobilenetv1": "quant_mobilenet_v1", "proxylessnas": "quant_proxylessnas_mobile14"}[net]
    ends = {"4b": "_4b_round_avgpool", "4b5b": "_4b5b", "8b": ""}[width]
    network, _ = models.model_with_cfg(config + ends, bit_width=None if width == "4b5b" else bits)
    network.final_pool.kernel_size = 2
    return network


def drawn_network(net, width):
    """The network, its input shape, and what it is made of."""
    import own_networks
    if net in OWN:
        network, shape = own_networks.OWN[net]
        return network(int(width[0])), shape, "own, in Brevitas"
    if net in FULLY or net == "cnv" or net == "resnet18":
        return bnn_pynq(net, width), (1, 28, 28) if net in FULLY else (3, 32, 32), "brevitas_examples.bnn_pynq"
    if net == "espcn":
        from brevitas_examples.super_resolution.models import quant_espcn_base
        network = quant_espcn_base(upscale_factor=2, weight_bit_width=int(width[0]), act_bit_width=int(width[0]))
        return network, (3, 32, 32), "brevitas_examples.super_resolution"
    return imagenet(net, width), (3, 64, 64), "brevitas_examples.imagenet_classification"


def make(name, folder):
    import torch
    from brevitas.export import export_onnx_qcdq, export_qonnx
    from drawn import UNIT_PIXELS, pixels, put, seed_of, unit
    from settled import settle
    torch.set_num_threads(1)
    torch.manual_seed(seed_of(name))
    net, (width, form) = name.split("_")[0], name.split("_")[1].split(".")
    network, shape, source = drawn_network(net, width)
    settle(network, name, shape, 20 if net in FULLY else 3)
    images = unit(pixels(name, IMAGES, shape))
    export = export_qonnx if form == "qonnx" else export_onnx_qcdq
    path = os.path.join(folder, "model.onnx")
    # The newer exporter writes no quantised biases.
    export(network, args=torch.from_numpy(images[:1]), export_path=path, dynamo=False)
    put(folder, images, source=source, form=FORMS[form], executor="qonnx" if form == "qonnx" else "onnxruntime",
        model="model.onnx", options=UNIT_PIXELS if net in UNQUANTISED else [])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if sys.argv[1:] == ["--list"]:
        print("\n".join(names()))
    else:
        make_all(make, *sys.argv[1:])
