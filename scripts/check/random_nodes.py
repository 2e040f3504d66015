"""Random single operators of a QONNX graph, for random_models.py: parameters, affine steps, quantisers.

A float32 executor and one that computes in real arithmetic must agree, so the generator keeps count, for every
tensor, of a bound on its values and of the power of two that divides all of them. While the first is below 2^24 times
the second, float32 computes it without rounding whatever the order of the sums, and ties are decided alike by
everybody: such chains are left full of ties on purpose. Where values round (a scale like 0.3, a square root), a
`guard` tells afterwards whether an image came so near a quantiser's boundary that rounding could decide.

None of this is asked for on the input's side of its quantiser, nor of constants: there every operator is float32's, node
by node, in the executor and in xnorforge, so all codes must be the same, near ties most of all. Pixels, scales and
weights are drawn so that ties come up.
"""
import math
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from qonnx.custom_op.general.bipolar_quant import binary_quant
from qonnx.custom_op.general.intquant import int_quant, max_int, min_int
from qonnx.custom_op.general.multithreshold import multithreshold

ROUNDING = ["ROUND", "HALF_EVEN", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN", "ROUND_TO_ZERO"]
DOMAINS = ["onnx.brevitas", "qonnx.custom_op.general", "finn.custom_op.general", ""]
EXECUTOR_ROUNDING = {"ROUND_TO_ZERO": "DOWN"}  # Brevitas' name, which the qonnx package does not know
INPUT_SCALES = [1 / 255, 2 / 255, 1 / 127, 0.1, 0.05, 1 / 3]  # whose quotients with pixels lie on ties but for rounding
SLACK = 2e-6  # float32 error of one chain, relative to the bound on its values; generous for 70 terms


@dataclass
class Tensor:
    name: str
    shape: tuple
    top: float  # no value is larger in magnitude
    typ: float  # roughly what a value is in magnitude: scales and thresholds are drawn to fit it
    lsb: int | None  # every value is a multiple of 2^lsb and float32 holds it exactly; None: values are rounded
    exact_zero: bool = False  # a 0 is one by a Relu or a Clip, not by rounding


def lowest(*exponents):
    return None if None in exponents else min(exponents)


class Drawn:
    """A network for reference.py."""

    may_be_constant = False  # whether one output for all images will do
    may_be_refused = False  # whether xnorforge may refuse it by name

    def traits(self):
        """Names of unusual shapes in the network."""
        return set()


class Nodes(Drawn):
    opsets = [11, 13, 17]
    input_scales = INPUT_SCALES
    share_of_input_scales = 0.4

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.constants, self.tensors, self.guards, self.count = [], [], {}, [], 0
        self.opset = self.pick(self.opsets)
        self.domain = self.pick(DOMAINS)
        self.custom_version = self.pick([1, 2])  # of the operators of QONNX: says which form a Trunc has
        self.dyadic = self.pick([1.0, 0.6])  # share of the parameters that keep float32 exact
        self.per_channel = False  # the input is scaled as a whole, sums are scaled per channel
        self.on_floats = True  # until the input is quantised

    # ---- drawing

    def chance(self, p):
        return self.rng.random() < p

    def pick(self, items):
        return items[self.rng.integers(len(items))]

    def scale(self, near):
        """A positive scale near `near` and its lsb."""
        if self.chance(self.dyadic):
            odd, e = self.pick([1, 1, 1, 3, 5]), math.floor(math.log2(near))
            down = odd.bit_length() - 1
            return np.float32(odd * 2.0 ** (e - down)), e - down
        return np.float32(near * self.rng.uniform(0.6, 1.4)), None

    def numbers(self, shape, spread):
        """Numbers of either sign (and zero) and their lsb."""
        if self.chance(self.dyadic):
            e = math.floor(math.log2(spread)) - 2
            return (self.rng.integers(-8, 9, shape) * 2.0 ** e).astype(np.float32), e
        return np.clip(self.rng.normal(0, spread, shape), -4 * spread, 4 * spread).astype(np.float32), None

    # ---- writing

    def fresh(self, kind="t"):
        self.count += 1
        return f"{kind}{self.count}"

    def const(self, value, dtype=np.float32):
        array, name = np.asarray(value, dtype), self.fresh("c")
        if self.chance(0.15):  # some exporters write parameters as nodes
            self.nodes.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array)))
            self.tensors[name] = (array.shape, helper.np_dtype_to_tensor_dtype(array.dtype), None)
        else:
            self.constants.append(numpy_helper.from_array(array, name))
        return name

    def op(self, kind, inputs, shape, dtype=TensorProto.FLOAT, facts=None, outputs=None, custom=False, **attributes):
        out = outputs or [self.fresh()]
        node = helper.make_node(kind, inputs, out, name=f"{kind}_{len(self.nodes)}", **attributes)
        if custom:  # Brevitas never had a MultiThreshold of its own
            brevitas_has_it = kind != "MultiThreshold" or self.domain != "onnx.brevitas"
            node.domain = self.domain if brevitas_has_it else "finn.custom_op.general"
        self.nodes.append(node)
        self.tensors[out[-1]] = (shape, dtype, facts)
        return out[-1]

    def step(self, kind, t, inputs, top, typ, lsb, exact_zero=False, shape=None, **attributes):
        if lsb is not None and top >= 2.0 ** (24 + lsb):
            lsb = None
        shape = t.shape if shape is None else shape
        name = self.op(kind, inputs, shape, facts=(top, lsb), **attributes)
        return Tensor(name, shape, top, typ, lsb, exact_zero)

    def guard(self, t, decide):
        """Asks, once an image has run, whether `decide` says the same a little above and a little below the values."""
        if self.on_floats:
            return
        slack = np.float32(SLACK * t.top)

        def safe(context):
            x = context[t.name].astype(np.float32)
            same = decide(x - slack) == decide(x + slack)
            return bool(np.all(same | (x == 0) if t.exact_zero else same))

        self.guards.append(safe)

    # ---- operators between two layers

    def affine(self, t):
        n, spatial = t.shape[1], (1,) * (len(t.shape) - 2)
        shape = self.pick([(), (1,), (n, *spatial), (1, n, *spatial)]) if self.per_channel else ()
        kind = self.pick(["Add", "Sub", "SubFrom", "Mul", "Div"])
        if kind in ("Mul", "Div"):
            if self.chance(self.dyadic):
                powers = self.rng.integers(-2, 3, shape)
                v, down, up = 2.0 ** powers, int(np.min(powers)), int(np.max(powers))
            else:
                v, down, up = self.rng.uniform(0.3, 3, shape), None, None
            v = (v * self.rng.choice([-1, 1, 1], shape)).astype(np.float32)
            factor = np.abs(v if kind == "Mul" else 1 / v)
            shift = down if kind == "Mul" else (None if up is None else -up)
            lsb = None if None in (t.lsb, shift) else t.lsb + shift
            return self.step(kind, t, [t.name, self.const(v)], t.top * float(np.max(factor)),
                             t.typ * float(np.mean(factor)), lsb)
        v, lsb = self.numbers(shape, t.typ / 2)
        inputs = [t.name, self.const(v)]
        return self.step(kind[:3], t, inputs[::-1] if kind == "SubFrom" else inputs,
                         t.top + float(np.max(np.abs(v))), t.typ, lowest(t.lsb, lsb))

    def batch_norm(self, t):
        n = t.shape[1]
        if self.chance(self.dyadic):
            eps, e = 2.0 ** -10, round(math.log2(t.typ)) + self.rng.integers(-1, 2, n)
            deviation, root_lsb = 2.0 ** e, -int(e.max())
            var = deviation ** 2 - eps if np.all(np.abs(e) < 6) else deviation ** 2
            eps = eps if np.all(np.abs(e) < 6) else 0.0
            gamma, gamma_lsb = self.rng.integers(-8, 9, n) / 4, -2
        else:
            eps, root_lsb, gamma_lsb = 1e-5, None, None
            gamma, var = self.rng.normal(0, 1, n), t.typ ** 2 * self.rng.uniform(0.1, 3, n)
            deviation = np.sqrt(var + eps)
        if self.chance(0.2):
            gamma = gamma * (self.rng.random(n) > 0.2)  # a pruned channel: constant whatever comes in
        mean, mean_lsb = self.numbers(n, t.typ / 2)
        beta, beta_lsb = self.numbers(n, 0.5)
        factor = np.abs(gamma / deviation)
        lsb = None
        if None not in (t.lsb, root_lsb, mean_lsb, beta_lsb):
            lsb = min(gamma_lsb + root_lsb + min(t.lsb, mean_lsb), beta_lsb)
        top = float(np.max(factor * (t.top + np.abs(mean)) + np.abs(beta)))
        inputs = [t.name] + [self.const(v) for v in (gamma, beta, mean, var)]
        return self.step("BatchNormalization", t, inputs, top * 1.001 if lsb is None else top, 1.0, lsb, epsilon=eps)

    def clip(self, t):
        if self.chance(0.5):
            low, high = 0.0, math.inf
            out = self.step("Relu", t, [t.name], t.top, t.typ, t.lsb, exact_zero=True)
        else:  # HardTanh is exported as a Clip to -1..1
            high = float(2.0 ** round(math.log2(t.typ))) if self.chance(0.6) else 1.0
            low, bound_lsb = self.pick([-high, 0.0]), int(math.log2(high))
            facts = (min(t.top, high), min(t.typ, high), lowest(t.lsb, bound_lsb), low == 0)
            if self.opset < 11:
                out = self.step("Clip", t, [t.name], *facts, min=low, max=high)
            else:
                out = self.step("Clip", t, [t.name, self.const(low), self.const(high)], *facts)
        if t.lsb is None:
            self.guard(t, lambda x: (x > low).astype(int) + (x >= high))
        return out

    # ---- quantisers

    def quantise(self, t, bits=4):
        kind = self.pick([self.bipolar, self.quant, self.quant, self.multi_threshold])
        return kind(t, int(self.rng.integers(1, bits + 1)))

    def bipolar(self, t, _bits):
        scale, lsb = self.scale(1.0)
        if t.lsb is None:
            self.guard(t, lambda x: binary_quant(x, 1))
        return self.step("BipolarQuant", t, [t.name, self.const(self.maybe_1d(scale))], scale, scale, lsb, custom=True)

    def maybe_1d(self, value):
        return [value] if self.chance(0.3) else value

    def quant(self, t, bits):
        signed = int(self.chance(0.6))
        narrow = int(bits > 1 and self.chance(0.4))
        if bits == 1 and signed:
            low, high = -1, 1  # the qonnx package reads this as BipolarQuant
        else:
            low, high = min_int(signed, narrow, bits), max_int(signed, narrow, bits)
        zero = int(self.rng.integers(low, high + 1)) if self.chance(0.25) and not (bits == 1 and signed) else 0
        scale, lsb = self.scale(max(4 * t.typ / 2 ** bits, 2.0 ** -8))
        if self.on_floats and self.input_scales and self.chance(self.share_of_input_scales):
            scale, lsb = np.float32(self.pick(self.input_scales)), None
        listed = self.maybe_1d(scale)
        if self.per_channel and not self.on_floats and len(t.shape) > 1 and self.chance(0.2):
            # one scale for each channel, all of them multiples of one: others would be approximated
            lsb = math.floor(math.log2(float(scale))) - 1
            listed = self.rng.choice([1, 2, 2, 3, 4, 5], (1, t.shape[1], *(1,) * (len(t.shape) - 2))) * 2.0 ** lsb
            scale = listed.max()
        mode = self.pick(ROUNDING)
        # x / scale may round when the scale is no power of two, harmlessly so with 4 bits to spare
        if t.lsb is None or lsb is None or 16 * t.top >= 2.0 ** (24 + t.lsb):
            parameters = np.float32(listed), np.float32(zero), np.float32(bits)
            self.guard(t, lambda x: int_quant(x, *parameters, signed, narrow, EXECUTOR_ROUNDING.get(mode, mode)))
        inputs = [t.name, self.const(listed), self.const(zero), self.const(bits)]
        top = max(abs(low - zero), abs(high - zero)) * float(scale)
        t = self.step("Quant", t, inputs, top, top / 2, lsb, custom=True, signed=signed, narrow=narrow, rounding_mode=mode)
        return self.truncate(t, float(scale), bits, signed) if bits > 2 and zero == 0 and self.chance(0.15) else t

    def truncate(self, t, scale, bits, signed):
        """Leaves out some of the lowest bits of integers times `scale`, in the form of the operators' version."""
        left = int(self.rng.integers(2, bits))
        mode = self.pick(["FLOOR", "ROUND", "CEIL", "floor"])
        factor = 2.0 ** (bits - left)
        inputs = [t.name, self.const(scale), self.const(0), self.const(bits)]
        if self.custom_version == 1:
            inputs.append(self.const(left))
            top = t.top / factor + scale
            return self.step("Trunc", t, inputs, top, top / 2, t.lsb, custom=True, rounding_mode=mode)
        inputs += [self.const(scale * factor), self.const(left)]
        lsb = None if t.lsb is None else t.lsb + bits - left
        return self.step("Trunc", t, inputs, t.top + scale * factor, t.typ, lsb, custom=True, rounding_mode=mode,
                         signed=signed, narrow=0)

    def multi_threshold(self, t, bits):
        steps = 2 ** bits - 1
        channels = t.shape[1] if self.chance(0.6) else 1
        thresholds = np.sort(self.numbers((channels, steps), t.typ)[0], axis=1)
        if t.lsb is None:
            self.guard(t, lambda x: multithreshold(x, thresholds))
        if bits == 1 and self.chance(0.5):
            scale, bias, lsb, dtype = 2.0, -1.0, 0, "BIPOLAR"
        elif self.chance(0.5):
            signed = self.chance(0.5)
            scale, bias, lsb, dtype = 1.0, -2.0 ** (bits - 1) if signed else 0.0, 0, f"{'' if signed else 'U'}INT{bits}"
        else:
            (scale, scale_lsb), (bias, bias_lsb) = self.scale(0.5), self.numbers((), 1.0)
            scale, bias, lsb, dtype = float(scale), float(bias), lowest(scale_lsb, bias_lsb), "FLOAT32"
        # without a layout, three axes would be taken for NWC
        said = len(t.shape) == 3 or self.chance(0.5)
        layout = {"data_layout": {2: "NC", 3: "NCW", 4: "NCHW"}[len(t.shape)]} if said else {}
        top = max(abs(bias), abs(steps * scale + bias))
        return self.step("MultiThreshold", t, [t.name, self.const(thresholds)], top * 1.001 if lsb is None else top,
                         top / 2, lsb, custom=True, out_scale=scale, out_bias=bias, out_dtype=dtype, **layout)
