"""Seeded random QONNX convolutional networks with inputs and outputs, for reference.py.

Shapes are computed here, independently of the onnxruntime that runs the nodes and of xnorforge; where they disagree
with what comes out, `RandomModel.check_facts` fails.
"""
import math

import numpy as np
import onnxruntime
from onnx import TensorProto

from random_models import INPUTS, RandomModel
from random_nodes import Tensor, lowest

onnxruntime.set_default_logger_severity(3)  # it warns where ONNX infers a window more than ceil_mode has

MAX_INPUTS = 75  # of a sum: more would need more slack for float32
MAX_FEATURES = 70  # of an image at the fully connected end
OPSETS = [9, 10, 11, 13, 17, 19]
SAMPLINGS = [  # (coordinate_transformation_mode, nearest_mode, factors, operator sets) that repeat elements
    (None, None, [2, 3], OPSETS[2:]), ("half_pixel", "round_prefer_floor", [2, 3], OPSETS[2:]),
    ("half_pixel", "round_prefer_ceil", [2, 3], OPSETS[2:]), ("asymmetric", "floor", [2, 3], OPSETS[2:]),
    ("pytorch_half_pixel", "round_prefer_floor", [2, 3], OPSETS[2:]), ("tf_half_pixel_for_nn", "floor", [2, 3], [11]),
    ("align_corners", "round_prefer_floor", [2], [13]),
]


class RandomConvolutional(RandomModel):
    opsets = OPSETS
    may_be_refused = True  # it concatenates branches of any scales

    # ---- windows

    def numbers_of(self, axes, low, high, one=0.5):
        """A number an axis; all ones with probability `one`."""
        return [1] * axes if self.chance(one) else [int(self.rng.integers(low, high + 1)) for _ in range(axes)]

    def window(self, t, kernel, dilations=True, ceil=False, pool=False, stride=3):
        """Attributes of a window over `t` that fits, its output extents, and numbers of real and padded taps."""
        spatial = t.shape[2:]
        axes = len(spatial)
        for _ in range(50):
            kernel_shape = kernel if isinstance(kernel, list) else self.numbers_of(axes, 1, kernel, 0.1)
            strides, steps = self.numbers_of(axes, 1, stride), self.numbers_of(axes, 1, 2) if dilations else [1] * axes
            form, ceiled = self.pick(["NOTSET"] * 6 + ["SAME_UPPER", "SAME_LOWER", "VALID"]), ceil and self.chance(0.4)
            if form.startswith("SAME"):  # onnxruntime refuses dilations beside it,
                steps = [1] * axes
                strides = [min(s, k) for s, k in zip(strides, kernel_shape)]  # and windows that leave elements out
            reach = [(k - 1) * d + 1 for k, d in zip(kernel_shape, steps)]
            before, after = ([int(self.rng.integers(0, 3)) if self.chance(0.5) else 0 for _ in range(axes)]
                             for _ in range(2))
            if form != "NOTSET":
                ceiled = False
                before, after = [0] * axes, [0] * axes
            if form.startswith("SAME"):
                for i, (n, s) in enumerate(zip(spatial, strides)):
                    total = max((math.ceil(n / s) - 1) * s + reach[i] - n, 0)
                    less, more = total // 2, total - total // 2
                    before[i], after[i] = (less, more) if form == "SAME_UPPER" else (more, less)
            rooms = [b + n + a - r for b, n, a, r in zip(before, spatial, after, reach)]
            fits = all(room >= 0 for room in rooms)
            if pool:  # every window must hold an element, and onnxruntime wants less padding than taps
                fits = fits and all(max(b, a) < k for b, a, k in zip(before, after, kernel_shape))
                fits = fits and all(k == 1 or d <= n for k, d, n in zip(kernel_shape, steps, spatial))
            if not fits:
                continue
            outputs = [room // s + 1 for room, s in zip(rooms, strides)]
            if ceiled:
                outputs = [o + (room % s > 0 and o * s < n + b)
                           for o, room, s, n, b in zip(outputs, rooms, strides, spatial, before)]
            attributes = {"strides": strides}
            if dilations:
                attributes["dilations"] = steps
            if form != "NOTSET" or self.chance(0.2):
                attributes["auto_pad"] = form
            if form == "NOTSET" and (any(before + after) or self.chance(0.5)):
                attributes["pads"] = before + after
            if ceil:
                attributes["ceil_mode"] = int(ceiled)
            if pool or self.chance(0.7):
                attributes["kernel_shape"] = kernel_shape
            real, padded = np.ones(1), np.ones(1)
            for n, b, a, o, k, s, d in zip(spatial, before, after, outputs, kernel_shape, strides, steps):
                at = np.arange(o)[:, None] * s + np.arange(k) * d - b
                real = np.multiply.outer(real, ((at >= 0) & (at < n)).sum(1))
                padded = np.multiply.outer(padded, (at < n + a).sum(1))
            return kernel_shape, attributes, tuple(outputs), real, padded
        return None

    # ---- layers

    def conv(self, t, outputs=None, same=False):
        """A convolution to `outputs` channels, or as many as it likes; with `same`, to the same extents."""
        channels, axes = t.shape[1], len(t.shape) - 2
        groups = self.pick([g for g in range(1, channels + 1) if channels % g == 0] + [1, 1, channels])
        if outputs is not None and outputs % groups:
            groups = 1
        inner = channels // groups
        outputs = outputs or groups * int(self.rng.integers(1, max(2, 9 // groups)))
        most = max(1, int((MAX_INPUTS / inner) ** (1 / axes)))
        drawn = self.window(t, min(5, most), stride=1 if same else 3)
        if same:
            kernel = [self.pick([1, 3, 3, 5]) if most >= 5 else min(most, 1)] * axes
            drawn = None
            while drawn is None or drawn[2] != t.shape[2:]:
                drawn = self.window(t, kernel, stride=1)
                kernel = kernel if self.chance(0.98) else [1] * axes
        if drawn is None:
            return self.conv(t, outputs, same=True)
        kernel, attributes, extents, _, _ = drawn
        if groups > 1 or self.chance(0.5):
            attributes["group"] = groups
        name, w, w_lsb = self.weights((outputs, inner, *kernel), 0)
        inputs, sums = [t.name, name], np.abs(w).reshape(outputs, -1)
        top = float(t.top * sums.sum(1).max())
        typ = max(float(t.typ * np.sqrt((sums ** 2).sum(1).mean())), 2.0 ** -6)
        lsb = None if None in (t.lsb, w_lsb) else t.lsb + w_lsb
        if self.chance(0.4):
            bias, bias_lsb = self.numbers(outputs, typ / 2)
            top, lsb = top + float(np.abs(bias).max()), lowest(lsb, bias_lsb)
            inputs.append(self.const(bias))
        return self.step("Conv", t, inputs, top, typ, lsb, shape=(1, outputs, *extents), **attributes)

    def max_pool(self, t):
        if self.chance(0.1):
            shape = t.shape[:2] + (1,) * (len(t.shape) - 2)
            return self.step("GlobalMaxPool", t, [t.name], t.top, t.typ, t.lsb, t.exact_zero, shape=shape)
        drawn = self.window(t, 3, dilations=self.opset >= 10, ceil=self.opset >= 10, pool=True)
        if drawn is None:
            return t
        _, attributes, extents, _, _ = drawn
        return self.step("MaxPool", t, [t.name], t.top, t.typ, t.lsb, t.exact_zero, shape=t.shape[:2] + extents,
                         **attributes)

    def average_pool(self, t):
        drawn = self.window(t, self.pick([2, 2, 4, 3]), dilations=self.opset >= 19, ceil=self.opset >= 10, pool=True)
        if drawn is None:
            return t
        _, attributes, extents, real, padded = drawn
        include = int(self.chance(0.5))
        counts = padded if include else real
        if include or self.chance(0.3):
            attributes["count_include_pad"] = include
        return self.step("AveragePool", t, [t.name], t.top, t.typ, self.divided(t.lsb, counts), t.exact_zero,
                         shape=t.shape[:2] + extents, **attributes)

    def global_average(self, t):
        count = int(np.prod(t.shape[2:]))
        shape = t.shape[:2] + (1,) * (len(t.shape) - 2)
        return self.step("GlobalAveragePool", t, [t.name], t.top, t.typ, self.divided(t.lsb, np.array([count])),
                         t.exact_zero, shape=shape)

    @staticmethod
    def divided(lsb, counts):
        """The lsb of sums with `lsb` once they are divided by `counts`; powers of two keep float32 exact."""
        downs = np.log2(counts)
        return None if lsb is None or np.any(downs != np.round(downs)) else lsb - int(downs.max())

    # ---- moving elements

    def pad(self, t):
        axes = len(t.shape) - 2
        before, after = ([0, 0] + [int(self.rng.integers(0, 3)) for _ in range(axes)] for _ in range(2))
        value, lsb = self.numbers((), t.typ) if self.chance(0.3) else (np.float32(0), 30)
        exact = t.exact_zero and value == 0
        top, typ = max(t.top, float(abs(value))), t.typ
        shape = tuple(b + n + a for b, n, a in zip(before, t.shape, after))
        lsb = lowest(t.lsb, lsb)
        if self.opset < 11:
            return self.step("Pad", t, [t.name], top, typ, lsb, exact, shape=shape, pads=before + after,
                             mode="constant", value=float(value))
        inputs, pads = [t.name], before + after
        value_input = self.const(value) if value != 0 or self.chance(0.5) else ""
        if self.opset >= 18 and self.chance(0.5):
            pads, axes = before[2:] + after[2:], self.const(np.arange(axes) - axes, np.int64)
            inputs += [self.const(pads, np.int64), value_input, axes]
        else:
            inputs += [self.const(pads, np.int64)] + ([value_input] if value_input else [])
        return self.step("Pad", t, inputs, top, typ, lsb, exact, shape=shape)

    def enlarge(self, t):
        axes = len(t.shape) - 2
        facts = (t.top, t.typ, t.lsb, t.exact_zero)
        samplings = [s for s in SAMPLINGS if self.opset in s[3]] or [(None, None, [2, 3], [])]
        coordinates, rounding, choices, _ = self.pick(samplings)
        factors = [1, 1] + [self.pick(choices) for _ in range(axes)]
        shape = tuple(n * f for n, f in zip(t.shape, factors))
        scales = np.array(factors, np.float32)
        if self.opset < 10:
            return self.step("Upsample", t, [t.name, self.const(scales)], *facts, shape=shape, mode="nearest")
        if self.opset == 10:
            return self.step("Resize", t, [t.name, self.const(scales)], *facts, shape=shape, mode="nearest")
        modes = {"coordinate_transformation_mode": coordinates, "nearest_mode": rounding} if coordinates else {}
        absent = "" if self.opset >= 13 else self.const(np.zeros(0, np.float32))
        if self.chance(0.5):
            inputs = [t.name, absent, self.const(scales)]
        else:
            inputs = [t.name, absent, absent, self.const(np.array(shape), np.int64)]
        return self.step("Resize", t, inputs, *facts, shape=shape, mode="nearest", **modes)

    # ---- forks

    def residual(self, t):
        """Two quantised branches of the same shape, added and quantised again."""
        outputs = self.pick([t.shape[1], int(self.rng.integers(1, 6))])
        a = self.quantise(self.between(self.conv(t, outputs, same=True), True))
        b = t if outputs == t.shape[1] and self.chance(0.5) else self.quantise(self.conv(t, outputs, same=True))
        if self.chance(0.5):
            a, b = b, a
        total = self.step("Add", t, [a.name, b.name], a.top + b.top, a.typ + b.typ, lowest(a.lsb, b.lsb), shape=a.shape,
                          exact_zero=False)
        return self.quantise(self.between(total, True) if self.chance(0.5) else total)

    def fork(self, t):
        """Branches joined along their channels."""
        branches = [self.quantise(self.conv(t, same=True)) for _ in range(int(self.rng.integers(1, 3)))]
        branches.append(t if self.chance(0.5) else self.quantise(self.conv(t, same=True)))
        self.rng.shuffle(branches)
        shape = (1, sum(b.shape[1] for b in branches), *t.shape[2:])
        return self.step("Concat", t, [b.name for b in branches], max(b.top for b in branches),
                         max(b.typ for b in branches), lowest(*(b.lsb for b in branches)),
                         all(b.exact_zero for b in branches), shape=shape, axis=self.pick([1, 1 - len(shape)]))

    # ---- the network

    def block(self, t, is_first):
        kinds = ["conv"] * 4 + ["residual", "fork", "pad"]
        kind = self.pick(kinds if is_first else kinds + ["average"] * 4 + ["enlarge"] * 2)
        if kind == "residual":
            return self.residual(t)
        if kind == "fork":
            return self.fork(t)
        if kind == "average":
            return self.quantise(self.average_pool(t))
        if kind == "enlarge":
            return self.enlarge(t) if np.prod(t.shape) < 400 else t
        if kind == "pad":
            t = self.pad(t)
        t = self.conv(t)
        if self.chance(0.2):
            t = self.max_pool(t)
        t = self.between(t, True)
        if self.chance(0.2):
            t = self.max_pool(t)
        t = self.quantise(t)
        return self.max_pool(t) if self.chance(0.3) else t

    def build(self):
        self.kind = self.pick(list(INPUTS))
        _, top, typ, lsb = INPUTS[self.kind]
        channels, low, high = int(self.rng.integers(1, 4)), *self.pick([(3, 9), (5, 12)])
        extents = [int(self.rng.integers(low, high)) for _ in range(self.pick([1, 2, 2]))]
        self.shape = (1, channels, *(extents if len(extents) == 2 else [2 * extents[0]]))
        self.tensors["in"] = (self.shape, TensorProto.FLOAT, (top, lsb))
        t = Tensor("in", self.shape, top, typ, lsb)
        if self.chance(0.3):
            t = self.affine(t)
        t = self.quantise(t, bits=8)
        self.per_channel, self.on_floats = True, False
        for number in range(int(self.rng.integers(1, 4))):
            t = self.block(t, number == 0)
        if self.chance(0.3):
            t = self.global_average(t)
            t = self.quantise(t) if self.chance(0.5) else t
        while np.prod(t.shape) > MAX_FEATURES:
            t = self.max_pool(t) if self.chance(0.8) else self.quantise(self.global_average(t))
        t = self.flatten(t)
        if t.shape[1] == 1 or self.chance(0.7):
            t = self.between(self.dense(t, int(self.rng.integers(1, 12))), False)
        self.finish(t)
