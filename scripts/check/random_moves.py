"""Blocks for random_topologies.py that move, repeat and reduce elements, or compute functions before a quantiser."""
import numpy as np
from onnx import TensorProto

from random_nodes import Tensor, lowest

LIMIT = 9  # extents along an axis that elements are added to


class Moves:
    def kept(self, t):
        return t.top, t.typ, t.lsb, t.exact_zero

    def sliced(self, t):
        """Some elements along one axis, in steps, forwards or backwards."""
        axis = int(self.rng.integers(1, len(t.shape)))
        n = t.shape[axis]
        step = 1 if self.opset < 10 else self.pick([1, 1, 1, 2, 3, -1])
        start, stop = sorted(int(self.rng.integers(0, n + 1)) for _ in range(2))
        start, stop = min(start, n - 1), max(stop, start + 1)
        if step < 0:
            start, stop = stop - 1, start - n - 1  # counted from the end: an end before the first element
        indices = range(n)[slice(start, stop, step)]
        shape = t.shape[:axis] + (len(indices),) + t.shape[axis + 1:]
        if not indices:
            return t
        if self.opset < 10:
            return self.step("Slice", t, [t.name], *self.kept(t), shape=shape, starts=[start], ends=[stop], axes=[axis])
        lists = [[start], [stop], [self.pick([axis, axis - len(t.shape)])]] + [[step]] * (step != 1)
        return self.step("Slice", t, [t.name] + [self.const(v, np.int64) for v in lists], *self.kept(t), shape=shape)

    def split(self, t):
        """Two parts of the channels, one of which has a layer of its own, joined the other way round."""
        channels = t.shape[1]
        if channels < 2:
            return t
        first = int(self.rng.integers(1, channels)) if self.chance(0.5) or channels % 2 else channels // 2
        shapes = [(1, n, *t.shape[2:]) for n in (first, channels - first)]
        names = [self.fresh(), self.fresh()]
        for name, shape in zip(names, shapes):
            self.tensors[name] = (shape, TensorProto.FLOAT, (t.top, t.lsb))
        inputs, attributes = [t.name], {}
        if self.opset >= 13:
            inputs.append(self.const([first, channels - first], np.int64))
        else:
            attributes["split"] = [first, channels - first]
        self.op("Split", inputs, shapes[1], facts=(t.top, t.lsb), outputs=names, axis=1, **attributes)
        parts = [Tensor(name, shape, *self.kept(t)) for name, shape in zip(names, shapes)]
        if self.chance(0.5):
            parts[0] = self.finished(self.conv(parts[0], first, same=True))
        return self.joined(parts[::-1], t.shape[2:]) if self.chance(0.7) else self.pick(parts)

    def mirrored(self, t):
        """A border of the elements beside it."""
        mode = self.pick(["reflect", "edge"])
        most = [min(2, n - 1) if mode == "reflect" else 2 for n in t.shape[2:]]
        before, after = ([0, 0] + [int(self.rng.integers(0, m + 1)) for m in most] for _ in range(2))
        shape = tuple(b + n + a for b, n, a in zip(before, t.shape, after))
        if self.opset < 11:
            return self.step("Pad", t, [t.name], *self.kept(t), shape=shape, pads=before + after, mode=mode)
        inputs = [t.name, self.const(before + after, np.int64)]
        return self.step("Pad", t, inputs, *self.kept(t), shape=shape, mode=mode)

    def reshaped(self, t, shape):
        return self.step("Reshape", t, [t.name, self.const(shape, np.int64)], *self.kept(t), shape=tuple(shape))

    def shuffled(self, t):
        """Channels of several groups in turn, as ShuffleNet has them."""
        groups = [g for g in range(2, t.shape[1]) if t.shape[1] % g == 0]
        if not groups:
            return t
        groups, spatial = self.pick(groups), t.shape[2:]
        apart = self.reshaped(t, [1, groups, t.shape[1] // groups, *spatial])
        shape = (1, t.shape[1] // groups, groups, *spatial)
        axes = [0, 2, 1, *range(3, len(shape))]
        return self.reshaped(self.step("Transpose", apart, [apart.name], *self.kept(t), shape=shape, perm=axes), t.shape)

    def blocks(self, t):
        """Blocks of pixels as channels, or channels as blocks of pixels."""
        if len(t.shape) != 4:
            return t
        _, channels, height, width = t.shape
        size = self.pick([2, 2, 3])
        if channels % size ** 2 == 0:
            shape = (1, channels // size ** 2, height * size, width * size)
            mode = {"mode": self.pick(["DCR", "CRD"])} if self.opset >= 11 else {}
            return self.step("DepthToSpace", t, [t.name], *self.kept(t), shape=shape, blocksize=size, **mode)
        if height % size == 0 and width % size == 0:
            shape = (1, channels * size ** 2, height // size, width // size)
            return self.step("SpaceToDepth", t, [t.name], *self.kept(t), shape=shape, blocksize=size)
        return t

    def stacked(self, t):
        """Two maps above or beside each other."""
        axis = int(self.rng.integers(2, len(t.shape)))
        other = self.sliced(t)
        if other.shape[:axis] + other.shape[axis + 1:] != t.shape[:axis] + t.shape[axis + 1:]:
            other = t
        parts = [t, self.quantise(other) if self.chance(0.5) else other]
        if t.shape[axis] + other.shape[axis] > LIMIT:
            return t
        shape = t.shape[:axis] + (t.shape[axis] + other.shape[axis],) + t.shape[axis + 1:]
        lsb = lowest(*(p.lsb for p in parts))
        return self.step("Concat", t, [p.name for p in parts], max(p.top for p in parts), max(p.typ for p in parts), lsb,
                         all(p.exact_zero for p in parts), shape=shape, axis=axis)

    def reduced(self, t):
        """Mean, sum or greatest element over rows and columns."""
        axes = self.pick([list(range(2, len(t.shape))), [len(t.shape) - 1]])
        count = int(np.prod([t.shape[axis] for axis in axes]))
        kind = self.pick(["ReduceMean", "ReduceMean", "ReduceSum", "ReduceMax"])
        shape = tuple(1 if axis in axes else n for axis, n in enumerate(t.shape))
        top, lsb = t.top, t.lsb
        if kind == "ReduceMean":
            lsb = self.divided(t.lsb, np.array([count]))
        elif kind == "ReduceSum":
            top = t.top * count
        inputs, attributes = [t.name], {}
        if self.opset >= (18 if kind != "ReduceSum" else 13):
            inputs.append(self.const(axes, np.int64))
        else:
            attributes["axes"] = axes
        return self.finished(self.step(kind, t, inputs, top, t.typ, lsb, t.exact_zero, shape=shape, keepdims=1,
                                       **attributes), 0.7)

    def transposed(self, t):
        """A transposed convolution of any stride, padding and output padding."""
        channels, axes = t.shape[1], len(t.shape) - 2
        groups = self.pick([g for g in range(1, channels + 1) if channels % g == 0] + [1, 1])
        inner, outer = channels // groups, int(self.rng.integers(1, 3))
        kernel = [int(self.rng.integers(1, 4)) for _ in range(axes)]
        strides, steps = self.numbers_of(axes, 1, 3, 0.3), self.numbers_of(axes, 1, 2, 0.7)
        more = [int(self.rng.integers(0, s)) if self.chance(0.4) else 0 for s in strides]  # onnxruntime wants no more
        whole = [(n - 1) * s + (k - 1) * d + 1 + o
                 for n, s, k, d, o in zip(t.shape[2:], strides, kernel, steps, more)]
        before = [int(self.rng.integers(0, min(3, w))) if self.chance(0.5) else 0 for w in whole]
        after = [int(self.rng.integers(0, min(3, w - b))) if self.chance(0.5) else 0 for w, b in zip(whole, before)]
        shape = (1, groups * outer, *(w - b - a for w, b, a in zip(whole, before, after)))
        if np.prod(shape) > 500:
            return t
        name, w, w_lsb = self.weights((channels, outer, *kernel), 1)
        sums = np.abs(w).reshape(groups, inner, outer, -1).sum((1, 3))
        top, typ = float(t.top * sums.max()), max(float(t.typ * np.sqrt((w ** 2).mean() * inner)), 2.0 ** -6)
        lsb = None if None in (t.lsb, w_lsb) else t.lsb + w_lsb
        inputs = [t.name, name]
        if self.chance(0.4):
            bias, bias_lsb = self.numbers(groups * outer, typ / 2)
            top, lsb = top + float(np.abs(bias).max()), lowest(lsb, bias_lsb)
            inputs.append(self.const(bias))
        return self.finished(self.step("ConvTranspose", t, inputs, top, typ, lsb, shape=shape, strides=strides,
                                       dilations=steps, pads=before + after, output_padding=more, group=groups))

    def activated(self, t):
        """A function that is no step of a chain, and its quantiser."""
        kind = self.pick(["LeakyRelu", "LeakyRelu", "PRelu", "HardSigmoid", "HardSwish", "Elu", "Sigmoid", "Tanh", "Erf",
                          "Softplus", "Selu", "Swish"])
        if kind == "HardSwish" and self.opset < 14:
            kind = "Swish"
        if kind in ("Erf", "Tanh", "Sigmoid", "HardSigmoid"):
            top, typ = 1.0, 0.4
        else:
            top, typ = 2 * t.top + 1, t.typ
        if kind == "Swish":  # as exporters write it
            gate = self.step("Sigmoid", t, [t.name], 1.0, 0.5, None)
            out = self.step("Mul", t, [t.name, gate.name], t.top, t.typ, None)
        elif kind == "PRelu":
            slopes = self.rng.integers(0, 4, (t.shape[1],) + (1,) * (len(t.shape) - 2)) / 8
            lsb = None if t.lsb is None else t.lsb - 3
            out = self.step(kind, t, [t.name, self.const(slopes)], t.top, t.typ, lsb)
        elif kind == "LeakyRelu":
            out = self.step(kind, t, [t.name], t.top, t.typ, None if t.lsb is None else t.lsb - 3, alpha=0.125)
        else:
            out = self.step(kind, t, [t.name], top, typ, None)
        return self.quantise(out, bits=4)

    def move(self, t):
        kinds = [self.sliced] * 2 + [self.split, self.mirrored, self.shuffled, self.blocks, self.stacked, self.reduced,
                                     self.transposed, self.transposed, self.activated, self.activated]
        return self.pick(kinds)(t)
