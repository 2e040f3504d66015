"""Seeded random convolutional networks in the forms that qonnx' transformations give them, for reference.py: channels last,
or convolutions as patches and a product.

The executor runs the network as it was drawn; xnorforge reads the transformed one.
"""
import warnings

from onnx import helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.channels_last import ConvertToChannelsLastAndClean
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.transformation.lower_convs_to_matmul import LowerConvsToMatMul

from random_convolutions import RandomConvolutional

DEFAULTS = {"pads": lambda axes: [0] * 2 * axes, "strides": lambda axes: [1] * axes, "dilations": lambda axes: [1] * axes}


class RandomForms(RandomConvolutional):
    opsets = [11, 13, 17]

    def window(self, *args, **options):
        drawn = super().window(*args, **options)
        while drawn is not None and (drawn[1].get("auto_pad", "NOTSET") != "NOTSET" or drawn[1].get("ceil_mode")):
            drawn = super().window(*args, **options)
        return drawn

    def stated(self):
        """The network with every attribute of its windows, which the transformations ask for."""
        model = self.proto(for_executor=True)
        for node in model.graph.node:
            if node.op_type not in ("Conv", "MaxPool"):
                continue
            there = {attribute.name for attribute in node.attribute}
            shape = self.tensors[node.input[0]][0]
            kernel = self.tensors[node.input[1]][0][2:] if node.op_type == "Conv" else None
            missing = {name: default(len(shape) - 2) for name, default in DEFAULTS.items()}
            missing.update({"kernel_shape": kernel, "group": 1} if kernel else {})
            if node.op_type == "MaxPool":
                missing.pop("dilations")
            node.attribute.extend(helper.make_attribute(k, v) for k, v in missing.items() if k not in there)
        return model

    def transformed(self):
        """The transformed network; as it was drawn where the transformation does not take it."""
        to_products = self.form == "products"
        transformation = LowerConvsToMatMul() if to_products else ConvertToChannelsLastAndClean()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ModelWrapper(self.stated()).transform(InferShapes()).transform(transformation).model
        except Exception:
            self.form = "as drawn"
            return super().proto(for_executor=False)

    def build(self):
        super().build()
        self.form = self.pick(["products", "channels last"])

    def traits(self):
        return {self.form}

    def proto(self, for_executor):
        return super().proto(True) if for_executor else self.transformed()
