#!/usr/bin/env python3
"""Networks of torchvision, quantised by onnxruntime's quantize_static, for zoo.py.

  from_torchvision.py --list             names, one a line
  from_torchvision.py FOLDER NAME...     writes model.onnx, input.npy and about.json of each into FOLDER/NAME
"""
import os
import sys
import tempfile
import warnings

from drawn import make_all

IMAGES = 10
SHAPE = (3, 64, 64)
# Format, a scale for each channel, type of activations.
FORMS = {"qdq": ("QDQ", False, "QUInt8"), "qdq_channel": ("QDQ", True, "QInt8"),
         "qoperator": ("QOperator", False, "QUInt8")}
NETWORKS = {"mobilenet_v2": ("qdq", "qdq_channel", "qoperator"), "resnet18": ("qdq", "qdq_channel", "qoperator"),
            "shufflenet_v2_x0_5": ("qdq",), "squeezenet1_1": ("qdq_channel",)}


def names():
    return [f"torchvision_{net}.{form}" for net, forms in NETWORKS.items() for form in forms]


def make(name, folder):
    import torch
    import torchvision
    from onnxruntime import quantization
    from onnxruntime.quantization import shape_inference
    from drawn import pixels, put, seed_of, unit
    from settled import settle
    torch.set_num_threads(1)
    torch.manual_seed(seed_of(name))
    net, form = name.removeprefix("torchvision_").split(".")
    network = settle(getattr(torchvision.models, net)(weights=None, num_classes=10), name, SHAPE, 3)
    images = unit(pixels(name, IMAGES, SHAPE))
    calibration = unit(pixels(f"{name} calibration", IMAGES, SHAPE))

    class Reader(quantization.CalibrationDataReader):
        left = iter(calibration)

        def get_next(self):
            image = next(self.left, None)
            return None if image is None else {"image": image[None]}

    written, per_channel, activations = FORMS[form]
    with tempfile.TemporaryDirectory() as scratch:
        plain, prepared = os.path.join(scratch, "plain.onnx"), os.path.join(scratch, "prepared.onnx")
        torch.onnx.export(network, torch.from_numpy(images[:1]), plain, input_names=["image"], output_names=["scores"],
                          opset_version=17, dynamo=False)
        shape_inference.quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        quantization.quantize_static(
            prepared, os.path.join(folder, "model.onnx"), Reader(), per_channel=per_channel,
            quant_format=quantization.QuantFormat[written], activation_type=quantization.QuantType[activations],
            weight_type=quantization.QuantType.QInt8)
    put(folder, images, source=f"torchvision.models.{net}, quantize_static", executor="onnxruntime", model="model.onnx",
        form=written + (", scales per channel" if per_channel else ""))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if sys.argv[1:] == ["--list"]:
        print("\n".join(names()))
    else:
        make_all(make, *sys.argv[1:])
