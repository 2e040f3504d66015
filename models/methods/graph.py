"""Writes networks as QONNX, node by node."""
import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

QONNX = "qonnx.custom_op.general"
CUSTOM = {"Quant", "BipolarQuant", "MultiThreshold"}


class Graph:
    """A network being written: `image` [1, 1, 8, 8] goes in, `scores` [1, 10] will come out."""

    def __init__(self, name):
        self.name = name
        self.nodes = []
        self.constants = {}

    def constant(self, name, values, dtype=np.float32):
        """Stores a constant and returns its name."""
        values = np.ascontiguousarray(np.asarray(values, dtype=dtype))
        assert name not in self.constants, f"{name} exists"
        assert np.isfinite(values).all(), f"{name} is not finite"
        self.constants[name] = numpy_helper.from_array(values, name)
        return name

    def shared(self, values):
        """A scalar constant that many nodes use, stored once."""
        name = f"value_{float(values):g}"
        return name if name in self.constants else self.constant(name, values)

    def node(self, kind, inputs, name, **attributes):
        """Appends a node and returns the name of what it computes."""
        self.nodes.append(helper.make_node(
            kind, inputs, [f"{name}_out"], name=name, domain=QONNX if kind in CUSTOM else "", **attributes))
        return f"{name}_out"

    def quant(self, x, name, bits, scale, signed, narrow=False, rounding="ROUND"):
        scale = self.constant(f"{name}_scale", scale) if np.ndim(scale) else self.shared(scale)
        return self.node("Quant", [x, scale, self.shared(0), self.shared(bits)], name, signed=int(signed),
                         narrow=int(narrow), rounding_mode=rounding)

    def bipolar(self, x, name, scale=1.0):
        scale = self.constant(f"{name}_scale", scale) if np.ndim(scale) else self.shared(scale)
        return self.node("BipolarQuant", [x, scale], name)

    def thresholds(self, x, name, thresholds, scale, bits, layout):
        """The number of thresholds that `x` reaches, times `scale`."""
        return self.node("MultiThreshold", [x, self.constant(f"{name}_thresholds", np.atleast_2d(thresholds))], name,
                         out_dtype=f"UINT{bits}", out_scale=float(scale), out_bias=0.0, data_layout=layout)

    def save(self, path, last):
        """Writes everything, the value `last` being the scores."""
        self.nodes[-1].output[0] = "scores"
        assert last == f"{self.nodes[-1].name}_out", "the scores come from the last node"
        graph = helper.make_graph(
            self.nodes, self.name,
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 8, 8])],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 10])],
            initializer=list(self.constants.values()))
        domains = {node.domain for node in self.nodes}
        opsets = [helper.make_opsetid("", 13)] + [helper.make_opsetid(QONNX, 2)] * (QONNX in domains)
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="xnorforge models/methods")
        checker.check_model(model)
        save(model, path)
