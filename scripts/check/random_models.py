"""Seeded random QONNX multi-layer perceptrons with inputs and outputs, for reference.py."""
import warnings

import numpy as np
from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.custom_op.general.intquant import int_quant, max_int, min_int

from random_nodes import EXECUTOR_ROUNDING, ROUNDING, SLACK, Nodes, Tensor, lowest

EXECUTOR_DOMAIN = "qonnx.custom_op.general"  # the only one under which the qonnx package finds every operator
CUSTOM = {"Quant", "BipolarQuant", "MultiThreshold", "Trunc"}
INPUTS = {  # kind: type in the .npy file, largest magnitude, typical magnitude, lsb
    "uint8": (np.uint8, 255, 100, 0), "int8": (np.int8, 128, 50, 0), "bipolar8": (np.int8, 1, 1, 0),
    "bipolar": (np.float32, 1, 1, 0), "grid": (np.float32, 4, 1, -5), "real": (np.float32, 4, 1, None),
    "pixel": (np.float32, 1, 0.4, None), "symmetric": (np.float32, 1, 0.5, None),  # k / 255, and 2 k / 255 - 1
}


class RandomModel(Nodes):
    forms = ["integer", "bipolar", "bipolar", "quant", "quant"]  # of weights
    share_of_ties = 0.5  # among weights of a `Quant`

    def __init__(self, seed):
        super().__init__(seed)
        self.build()

    # ---- layers

    def weights(self, shape, channel_axis):
        """Name, values and lsb of a quantised weight tensor; its scale may differ along `channel_axis`."""
        scale, lsb = self.scale(0.5)
        if self.chance(0.4):  # one scale per output channel
            per_channel = [self.scale(0.5) for _ in range(shape[channel_axis])]
            along = [-1 if axis == channel_axis else 1 for axis in range(len(shape))]
            scale = np.array([s for s, _ in per_channel], np.float32).reshape(along)
            lsb = lowest(*(e for _, e in per_channel))
        form = self.pick(self.forms)
        if form == "integer":
            codes = self.rng.choice([-1, 1], shape)
            return self.const(codes), codes.astype(float), 0
        jitter = self.rng.uniform(0.7, 1.3, shape)  # what training leaves behind: not yet on the grid
        if form == "bipolar":
            codes = self.rng.choice([-1, 1], shape)
            name = self.op("BipolarQuant", [self.const(codes * jitter), self.const(scale)], shape, custom=True)
            return name, codes * scale.astype(float), lsb
        bits, narrow = int(self.rng.integers(2, 5)), int(self.chance(0.7))
        zero = int(self.rng.integers(-1, 2)) if self.chance(0.15) else 0
        codes = self.rng.integers(min_int(True, narrow, bits), max_int(True, narrow, bits) + 1, shape)
        x, mode = (codes - zero + (jitter - 1)) * scale, "ROUND"
        if self.chance(self.share_of_ties):  # numbers on ties and on the grid itself, where float32 rounding decides
            x, mode = (codes - zero + self.pick([0, 0.5])) * scale.astype(np.float64), self.pick(ROUNDING)
        name, x = self.prepared(x.astype(np.float32))
        rounding = EXECUTOR_ROUNDING.get(mode, mode)
        quantised = int_quant(x, np.float32(scale), np.float32(zero), np.float32(bits), 1, narrow, rounding)
        codes = np.round(quantised / scale.astype(float)) + zero
        inputs = [name] + [self.const(v) for v in (scale, zero, bits)]
        name = self.op("Quant", inputs, shape, custom=True, signed=1, narrow=narrow, rounding_mode=mode)
        return name, (codes - zero) * scale.astype(float), lsb

    def prepared(self, values):
        """Name and values of the constant that is quantised to weights."""
        return self.const(values), values

    def dense(self, t, outputs):
        flipped = self.chance(0.6)  # stored [outputs, inputs], as PyTorch does
        inputs = t.shape[1]
        name, w, w_lsb = self.weights((outputs, inputs) if flipped else (inputs, outputs), 0 if flipped else 1)
        w = w.T if flipped else w
        top = float(t.top * np.abs(w).sum(0).max())
        typ = max(float(t.typ * np.sqrt((w ** 2).sum(0).mean())), 2.0 ** -6)
        lsb = None if None in (t.lsb, w_lsb) else t.lsb + w_lsb
        if self.chance(0.4):
            bias, bias_lsb = self.numbers(outputs, typ / 2)
            top, lsb = top + float(np.abs(bias).max()), lowest(lsb, bias_lsb)
            return self.step("Gemm", t, [t.name, name, self.const(bias)], top, typ, lsb, shape=(1, outputs),
                             transB=int(flipped))
        if flipped:
            name = self.op("Transpose", [name], (inputs, outputs), perm=[1, 0])
        return self.step("MatMul", t, [t.name, name], top, typ, lsb, shape=(1, outputs))

    def flatten(self, t):
        shape = (1, int(np.prod(t.shape)))
        form = self.pick(["Flatten", "Reshape", "chain", "chain"])
        if form == "Flatten":
            return self.step("Flatten", t, [t.name], t.top, t.typ, t.lsb, shape=shape, axis=1)
        if form == "Reshape":
            target = self.const([1, -1], np.int64)
        else:  # what tracing x.view(x.shape[0], -1) leaves in a file
            i64 = TensorProto.INT64
            size = self.op("Shape", [t.name], (len(t.shape),), i64)
            batch = self.op("Gather", [size, self.const(0, np.int64)], (), i64, axis=0)
            if self.opset < 13:
                batch = self.op("Unsqueeze", [batch], (1,), i64, axes=[0])
            else:
                batch = self.op("Unsqueeze", [batch, self.const([0], np.int64)], (1,), i64)
            target = self.op("Concat", [batch, self.const([-1], np.int64)], (2,), i64, axis=0)
        return self.step("Reshape", t, [t.name, target], t.top, t.typ, t.lsb, shape=shape)

    def build(self):
        self.kind = self.pick(list(INPUTS))
        _, top, typ, lsb = INPUTS[self.kind]
        wide = [(1, int(self.rng.integers(1, 71)))]
        self.shape = self.pick(wide * 2 + [(1, 1, 8, 8), (1, 3, 4, 5), (1, 2, 3)])
        self.tensors["in"] = (self.shape, TensorProto.FLOAT, (top, lsb))
        t = Tensor("in", self.shape, top, typ, lsb)
        flat_first = self.chance(0.5)
        if len(self.shape) == 3 or (len(self.shape) > 2 and flat_first):
            t = self.flatten(t)
        if self.kind == "uint8" and self.chance(0.4):  # pixels to -1..1, as most training scripts do
            t = self.step("Div", t, [t.name, self.const(255)], 1, 0.4, None)
            t = self.step("Mul", t, [t.name, self.const(2)], 2, 0.8, None)
            t = self.step("Sub", t, [t.name, self.const(1)], 3, 0.8, None)
        elif self.chance(0.4):
            t = self.affine(t)
        t = self.quantise(t, bits=8)
        if len(t.shape) > 2:
            t = self.flatten(t)
        self.per_channel, self.on_floats = True, False
        layers = int(self.rng.integers(1, 4))
        for n in range(layers):
            quantised = n + 1 < layers or self.chance(0.15)
            t = self.between(self.dense(t, int(self.rng.integers(1, 71))), quantised)
            if quantised:
                t = self.quantise(t)
        self.finish(t)

    def between(self, t, quantised):
        for _ in range(int(self.rng.integers(0, 3))):
            t = self.affine(t)
        if self.chance(0.6):
            t = self.batch_norm(t)
        if self.chance(0.2):
            t = self.step("Identity", t, [t.name], t.top, t.typ, t.lsb, t.exact_zero)
        # scores that are not quantised must stay an affine function of integers: xnorforge refuses a clip behind them
        return self.clip(t) if quantised and self.chance(0.5) else t

    def finish(self, t):
        self.scores, self.output, self.integers = t, t.name, False
        kind = self.rng.random()
        if kind < 0.2:
            self.probabilities(t)
        elif kind < 0.5 and t.shape[1] > 1:
            self.search(t)

    def probabilities(self, t):
        """What a host computes of the scores, perhaps quantised."""
        kind = self.pick(["Softmax", "LogSoftmax", "Sigmoid"])
        axis = {} if kind == "Sigmoid" else {"axis": self.pick([1, -1])}
        top = 2 * t.top + np.log(t.shape[1]) if kind == "LogSoftmax" else 1.0
        # an error of the scores is one of their probabilities, too
        name = self.op(kind, [t.name], t.shape, facts=(top, None), **axis)
        t = Tensor(name, t.shape, max(top, t.top), 1.0, None)
        self.per_channel = False
        t = self.quant(t, self.pick([4, 8])) if self.chance(0.4) else t
        self.scores, self.output = t, t.name

    def search(self, t):
        """The greatest scores, or their indices."""
        classes, k, values = t.shape[1], 1, self.fresh()
        self.integers = True
        if self.chance(0.6):
            k = int(self.rng.integers(1, classes + 1)) if self.chance(0.6) else 1
            indices = self.fresh()
            self.tensors[values] = ((1, k), TensorProto.FLOAT, None)
            attribute = {"k": k} if self.opset < 10 else {}
            inputs = [t.name] if attribute else [t.name, self.const([k], np.int64)]
            self.op("TopK", inputs, (1, k), TensorProto.INT64, outputs=[values, indices], axis=1, **attribute)
            self.integers = self.chance(0.7)
            self.output = indices if self.integers else values
        else:
            keep = int(self.chance(0.5))
            shape = (1, 1) if keep else (1,)
            last = {"select_last_index": 1} if self.opset >= 12 and self.chance(0.4) else {}
            self.output = self.op("ArgMax", [t.name], shape, TensorProto.INT64, axis=1, keepdims=keep, **last)
        if t.lsb is None:
            best_apart = lambda scores: np.all(np.diff(np.sort(scores, axis=None)[-k - 1:]) > 2 * SLACK * t.top)
            self.guards.append(lambda context: bool(best_apart(context[t.name])))

    # ---- the finished model

    def proto(self, for_executor):
        """The ModelProto: as drawn, or with the names the qonnx package knows and all shapes stated."""
        def info(name):
            shape, dtype, _ = self.tensors[name]
            return helper.make_tensor_value_info(name, dtype, shape)

        inner = [info(n) for n in self.tensors if n not in ("in", self.output)] if for_executor else []
        stated = {n: info(n) for n in ("in", self.output)}
        parameters = [helper.make_tensor_value_info(c.name, c.data_type, c.dims) for c in self.constants]
        graph = helper.make_graph(self.nodes, "random", [stated["in"]], [stated[self.output]], self.constants,
                                  value_info=inner + (parameters if for_executor else []))
        domains = {n.domain for n in graph.node} - {""} | ({EXECUTOR_DOMAIN} if for_executor else set())
        opsets = [helper.make_opsetid("", self.opset)] + [helper.make_opsetid(d, self.custom_version) for d in sorted(domains)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="check_reference")
        for node in model.graph.node if for_executor else []:
            if node.op_type in CUSTOM:
                node.domain = EXECUTOR_DOMAIN
            for a in node.attribute:
                if a.name == "rounding_mode":
                    a.s = EXECUTOR_ROUNDING.get(a.s.decode(), a.s.decode()).encode()
        return model

    def image(self):
        dtype, top, typ, lsb = INPUTS[self.kind]
        if self.kind.startswith("bipolar"):
            return self.rng.choice([-1, 1], self.shape).astype(dtype)
        if self.kind in ("pixel", "symmetric"):
            pixels = self.rng.integers(0, 256, self.shape).astype(np.float32) / np.float32(255)
            return pixels if self.kind == "pixel" else pixels * np.float32(2) - np.float32(1)
        if dtype == np.float32:
            x = np.clip(self.rng.normal(0, typ, self.shape), -top, top)
            return (x if lsb is None else np.round(x / 2.0 ** lsb) * 2.0 ** lsb).astype(dtype)
        limits = np.iinfo(dtype)
        return self.rng.integers(limits.min, limits.max + 1, self.shape).astype(dtype)

    def run(self, count):
        """Inputs, the qonnx executor's outputs, and how many near ties were passed over; None with too many of them."""
        model, inputs, outputs, passed_over = ModelWrapper(self.proto(for_executor=True)), [], [], 0
        while len(inputs) < count:
            if passed_over > 2 * count:
                return None, None, passed_over
            x = self.image()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                context = execute_onnx(model, {"in": x.astype(np.float32)}, return_full_exec_context=True)
            self.check_facts(context)
            if not all(safe(context) for safe in self.guards):
                passed_over += 1
                continue
            inputs.append(x)
            outputs.append(context[self.output][0])
        # with or without the batch axis: both are allowed in an input file
        inputs = np.concatenate(inputs) if self.chance(0.5) else np.stack(inputs)
        dtype = np.int64 if self.integers else np.float32
        return inputs, np.asarray(outputs, dtype), passed_over

    def check_facts(self, context, batches={}):
        """The bounds and exactness claimed while building must hold, else the comparison would prove nothing.

        `batches` has the images of each tensor that holds more than one."""
        for name, (shape, _, facts) in self.tensors.items():
            found = context[name]
            shape = (batches[name], *shape[1:]) if name in batches else tuple(shape)
            assert found.shape == shape, f"{name}: shape {found.shape}, not {shape}"
            if facts is None or found.dtype == np.int64:
                continue
            top, lsb = facts
            assert np.all(np.abs(found) <= top * (1 + 1e-5)), f"{name}: {np.abs(found).max()} is above {top}"
            if lsb is not None:
                units = found.astype(np.float64) / 2.0 ** lsb
                assert np.all(units == np.round(units)), f"{name}: not a multiple of 2^{lsb}"
