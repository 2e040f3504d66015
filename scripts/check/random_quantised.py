"""Random quantised networks of standard ONNX operators, which onnxruntime runs, for reference.py.

Scales behind the image's quantiser are powers of two, so float32 computes everything without rounding and every tie is
one: the integers must be identical. Others are qdq.py's business. The image itself is quantised in float32 by
onnxruntime and xnorforge alike, so its scale is any, and pixels lie on ties.
"""
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from random_nodes import Drawn


class RandomQuantised(Drawn):
    """A network of 1 to 4 layers of `QuantizeLinear` and `DequantizeLinear` around floats, or of operators on integers."""

    domain, guards = "", []

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.constants, self.count = [], [], 0
        self.on_integers = self.chance(0.5)
        self.type = self.pick([np.uint8, np.int8])
        self.opset = 13 if self.on_integers else self.pick([13, 21])
        self.integers_in, self.integers_out = self.chance(0.2), self.chance(0.3)
        self.channels, self.size = int(self.rng.integers(1, 4)), int(self.rng.integers(4, 7))
        self.shape = (1, self.channels, self.size, self.size)
        self.build()
        self.integers = False
        self.scores = type("Scores", (), {"lsb": 0, "top": 0})

    def chance(self, p):
        return self.rng.random() < p

    def pick(self, items):
        return items[self.rng.integers(len(items))]

    def fresh(self, kind="t"):
        self.count += 1
        return f"{kind}{self.count}"

    def const(self, value, dtype):
        name = self.fresh("c")
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def op(self, kind, inputs, **attributes):
        out = self.fresh()
        self.nodes.append(helper.make_node(kind, inputs, [out], name=f"{kind}_{len(self.nodes)}", **attributes))
        return out

    # ---- scales and zero points

    def grid(self, exponent, is_even=False):
        """Names of a scale 2^exponent and a zero point, and the exponent."""
        low, high = (0, 256) if self.type == np.uint8 else (-128, 128)
        zero = self.pick([0 if low else 128, int(self.rng.integers(low, high))])
        zero -= zero % 2 if is_even else 0
        return self.const(2.0 ** exponent, np.float32), self.const(zero, self.type), exponent

    def weights(self, shape, axis):
        """Names of integer weights, scales and zero points, and the exponent of each row's scale."""
        kind = self.pick([np.int8, np.uint8]) if self.type == np.uint8 else np.int8
        limits = np.iinfo(kind)
        values = self.rng.integers(limits.min, limits.max + 1, shape)
        if self.chance(0.3):
            values = np.clip(values, 120, 135) if kind == np.uint8 else np.clip(values, -3, 3)
        rows = shape[axis] if self.chance(0.5) else None
        exponents = self.rng.integers(-9, -5, rows if rows else ())
        zeros = np.full(rows if rows else (), 128 if kind == np.uint8 else 0)
        if kind == np.uint8 and not rows:
            zeros = self.rng.integers(100, 150)
        return (self.const(values, kind), self.const(2.0 ** exponents, np.float32), self.const(zeros, kind)), exponents

    def dequantise(self, x, grid, **axis):
        return self.op("DequantizeLinear", [x, *grid[:2]], **axis)

    def quantise(self, x, grid):
        x = self.op("QuantizeLinear", [x, *grid[:2]])
        return self.limited(x, self.type) if self.chance(0.4) else x

    def limited(self, x, kind):
        """Integers of fewer bits than their type, as Brevitas exports them."""
        bits, limits = int(self.rng.integers(1, 8)), np.iinfo(kind)
        low, high = (0, 2 ** bits - 1) if limits.min == 0 else (-2 ** (bits - 1), 2 ** (bits - 1) - 1)
        if self.chance(0.3):  # any limits
            low, high = sorted(int(v) for v in self.rng.integers(limits.min, limits.max + 1, 2))
        return self.op("Clip", [x, self.const(low, kind), self.const(high, kind)])

    def real_weights(self, weights, axis):
        """Real numbers of constant integers, stored in four bits or limited to fewer."""
        x, scale, zero = weights
        tensor = next(constant for constant in self.constants if constant.name == x)
        values = numpy_helper.to_array(tensor)
        if self.opset >= 21 and values.dtype == np.int8 and self.chance(0.5):
            x, kind = self.fresh("c"), TensorProto.INT4
            packed = np.clip(values, -8, 7)
            self.constants.append(helper.make_tensor(x, kind, packed.shape, packed.ravel().tolist()))
            return self.op("DequantizeLinear", [x, scale], axis=axis)
        x = self.limited(x, values.dtype) if self.chance(0.3) else x
        return self.op("DequantizeLinear", [x, scale, zero], axis=axis)

    # ---- layers, from integers on a grid to integers on a grid

    def convolution(self, x, grid, shape):
        outputs = int(self.rng.integers(1, 5))
        kernel = int(self.rng.integers(1, min(3, *shape[2:]) + 1))
        w, exponents = self.weights((outputs, shape[1], kernel, kernel), 0)
        pads = [int(self.rng.integers(0, 2)) for _ in range(4)]
        new = self.grid(int(self.rng.integers(-3, 2)))
        bias_exponents = grid[2] + np.broadcast_to(exponents, outputs)
        bias = self.rng.integers(-2000, 2000, outputs)
        extent = [shape[2 + i] + pads[i] + pads[2 + i] - kernel + 1 for i in (0, 1)]
        b = self.const(bias, np.int32)
        if self.on_integers:
            y = self.op("QLinearConv", [x, *grid[:2], *w, *new[:2], b], pads=pads)
        else:
            real = self.real_weights(w, 0)
            b = self.op("DequantizeLinear", [b, self.const(2.0 ** bias_exponents, np.float32)], axis=0)
            y = self.op("Conv", [self.dequantise(x, grid), real, b], pads=pads)
            y = self.op("Relu", [y]) if self.chance(0.5) else y
            y = self.quantise(y, new)
        return y, new, (1, outputs, *extent)

    def residual(self, x, grid, shape):
        """A sum of two values that were quantised differently."""
        outputs = shape[1]
        w, _ = self.weights((outputs, outputs, 1, 1), 0)
        branch, new = x, self.grid(grid[2] + int(self.rng.integers(-1, 3)), is_even=True)
        if self.on_integers:
            branch = self.op("QLinearConv", [x, *grid[:2], *w, *new[:2]])
        else:
            real = self.real_weights(w, 0)
            branch = self.quantise(self.op("Conv", [self.dequantise(x, grid), real]), new)
        # onnxruntime's QLinearAdd adds the zero point before it rounds: alike for even ones.
        total = self.grid(max(grid[2], new[2]) + 1, is_even=True)
        if self.on_integers:
            out = self.op("QLinearAdd", [x, *grid[:2], branch, *new[:2], *total[:2]], domain="com.microsoft")
        else:
            out = self.quantise(self.op("Add", [self.dequantise(x, grid), self.dequantise(branch, new)]), total)
        return out, total, shape

    def pool(self, x, grid, shape):
        extents = (shape[2] // 2, shape[3] // 2)
        if min(extents) == 0:
            return x, grid, shape
        attributes = {"kernel_shape": [2, 2], "strides": [2, 2]}
        if self.on_integers:
            return self.op("MaxPool", [x], **attributes), grid, (*shape[:2], *extents)
        if self.chance(0.5):
            pooled = self.op("MaxPool", [self.dequantise(x, grid)], **attributes)
            return self.quantise(pooled, grid), grid, (*shape[:2], *extents)
        # As with sums: onnxruntime's optimiser makes a QLinearAveragePool of it.
        new = self.grid(grid[2] + int(self.rng.integers(-1, 2)), is_even=True)
        pooled = self.op("AveragePool", [self.dequantise(x, grid)], **attributes)
        return self.quantise(pooled, new), new, (*shape[:2], *extents)

    def dense(self, x, grid, shape):
        x, inputs = self.op("Flatten", [x], axis=1), int(np.prod(shape))
        outputs, flipped = int(self.rng.integers(2, 9)), self.chance(0.5)
        w, exponents = self.weights((outputs, inputs) if flipped else (inputs, outputs), 0 if flipped else 1)
        new = self.grid(int(self.rng.integers(-2, 3)))
        b = self.const(self.rng.integers(-2000, 2000, outputs), np.int32)
        if self.on_integers and not flipped and self.chance(0.5):
            return self.op("QLinearMatMul", [x, *grid[:2], *w, *new[:2]]), new, (1, outputs)
        if self.on_integers:
            inputs = [x, *grid[:2], *w, b, *new[:2]]
            return self.op("QGemm", inputs, transB=int(flipped), domain="com.microsoft"), new, (1, outputs)
        real = self.real_weights(w, 0 if flipped else 1)
        scales = self.const(2.0 ** (grid[2] + np.broadcast_to(exponents, outputs)), np.float32)
        b = self.op("DequantizeLinear", [b, scales], axis=0)
        y = self.op("Gemm", [self.dequantise(x, grid), real, b], transB=int(flipped))
        return self.quantise(y, new), new, (1, outputs)

    def build(self):
        grid, self.image_scale = self.grid(int(self.rng.integers(-5, -2))), None
        x, shape = "in", self.shape
        if not self.integers_in:
            image_grid = grid
            if self.chance(0.5):  # a grid of its own for the image: its integers are then taken for those of the other
                self.image_scale = self.pick([1 / 255, 0.1, 0.017, 1 / 3])
                image_grid = (self.const(self.image_scale, np.float32), grid[1])
            x = self.quantise("in", image_grid)
        for _ in range(int(self.rng.integers(0, 3))):
            layer = self.pick([self.convolution, self.convolution, self.residual, self.pool])
            x, grid, shape = layer(x, grid, shape)
        x, grid, shape = self.dense(x, grid, shape)
        self.ends_on_host = self.chance(0.25)
        if self.ends_on_host:
            x, grid = self.probabilities(x, grid)
        self.output = x if self.integers_out else self.dequantise(x, grid)
        self.output_shape = shape

    def probabilities(self, x, grid):
        """A softmax or sigmoid, quantised again."""
        kind = self.pick(["Softmax", "Sigmoid"])
        axis = {"axis": 1} if kind == "Softmax" else {}
        y = self.op(kind, [self.dequantise(x, grid)], **axis)
        new = self.const(self.pick([1 / 255, 1 / 256, 1 / 64]), np.float32), self.const(self.pick([0, 3]), self.type), None
        return self.quantise(y, new), new

    # ---- the finished model

    def proto(self, for_executor):
        number = helper.np_dtype_to_tensor_dtype(np.dtype(self.type))
        kinds = [number if integers else TensorProto.FLOAT for integers in (self.integers_in, self.integers_out)]
        ends = [[helper.make_tensor_value_info(*end)]
                for end in (("in", kinds[0], self.shape), (self.output, kinds[1], self.output_shape))]
        graph = helper.make_graph(self.nodes, "random", *ends, self.constants)
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8 if self.opset < 21 else 10, producer_name="check_reference")

    def image(self):
        if self.integers_in:
            limits = np.iinfo(self.type)
            return self.rng.integers(limits.min, limits.max + 1, self.shape).astype(self.type)
        if self.image_scale is not None:
            halves = self.rng.integers(-300, 301, self.shape).astype(np.float32) / np.float32(2)
            return halves * np.float32(self.image_scale)
        return (self.rng.integers(-300, 301, self.shape) / 64).astype(np.float32)

    def run(self, count):
        options = onnxruntime.SessionOptions()
        level = onnxruntime.GraphOptimizationLevel
        levels = [level.ORT_DISABLE_ALL, level.ORT_ENABLE_ALL]
        # The optimiser makes integer operators of a softmax and a sigmoid that are not what the file says.
        options.graph_optimization_level = level.ORT_DISABLE_ALL if self.ends_on_host else self.pick(levels)
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        model = self.proto(for_executor=True).SerializeToString()
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        inputs = [self.image() for _ in range(count)]
        outputs = np.stack([session.run(None, {"in": x})[0][0] for x in inputs])
        return np.concatenate(inputs), outputs.astype(np.float32), 0
