"""Seeded random QONNX networks of unusual shape with inputs and outputs, for reference.py.

Grouped and depthwise convolutions, flattened maps, concatenations (of the same tensor twice, of unlike types and scales),
enlargement, pools, borders, sums and shared tensors follow each other in any order; operators may stand on sums that
nothing has quantised. xnorforge may refuse some of them by name.
"""
import collections
import warnings

import numpy as np
from onnx import TensorProto, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from random_convolutions import RandomConvolutional
from random_moves import Moves
from random_models import INPUTS
from random_nodes import Tensor, lowest

MAX_ELEMENTS = 500  # of a map
MAX_CHANNELS = 24  # of a map that is concatenated once more
MAX_JOINED = 150  # of a flattened map
SMALL = {"Quant", "BipolarQuant", "MultiThreshold", "Relu", "Clip", "Mul", "Div", "BatchNormalization", "Identity"}
SORTS = {"Upsample": "enlarge", "Resize": "enlarge", "Reshape": "flatten", "MatMul": "dense", "Gemm": "dense",
         "MaxPool": "pool", "AveragePool": "pool", "GlobalMaxPool": "pool", "GlobalAveragePool": "pool", "Sub": "add"}
ENDLESS = [2 ** 31, 2 ** 62, 2 ** 63 - 1]  # strides and dilations that no image reaches


class RandomTopology(Moves, RandomConvolutional):
    input_scales = []  # sums of branches have a common measure, or scales are moved to one, which the executor does not do
    SHARE_OF_CONSTANT = 0.02  # networks that may have one output for all images

    # ---- what a block reads

    def fitting(self, t, same_channels=False):
        """Earlier maps with the pixels of `t`, itself among them."""
        return [m for m in self.maps if m.shape[2:] == t.shape[2:] and (not same_channels or m.shape == t.shape)]

    def finished(self, t, likely=0.85):
        return self.quantise(t, bits=self.pick([2, 4, 4, 8])) if self.chance(likely) else t

    def branch(self, t):
        """Something with the pixels of `t`, read beside it."""
        kind = self.pick(["self", "earlier", "conv", "conv", "quant", "relu"])
        if kind == "earlier":
            return self.pick(self.fitting(t))
        if kind == "conv":
            return self.finished(self.between(self.conv(t, same=True), False), 0.8)
        if kind == "quant":
            return self.quantise(t)
        return self.quantise(self.relu(t)) if kind == "relu" else t

    # ---- blocks

    def relu(self, t):
        if t.lsb is None:
            self.guard(t, lambda x: x > 0)
        return self.step("Relu", t, [t.name], t.top, t.typ, t.lsb, exact_zero=True)

    def convolve(self, t):
        t = self.conv(t)
        t = self.max_pool(t) if self.chance(0.1) else t
        return self.finished(self.between(t, self.chance(0.5)) if self.chance(0.5) else t)

    def joined(self, parts, spatial=()):
        lsb = lowest(*(p.lsb for p in parts))
        shape = (1, sum(p.shape[1] for p in parts), *spatial)
        axis = self.pick([1, 1 - len(shape)])
        return self.step("Concat", parts[0], [p.name for p in parts], max(p.top for p in parts),
                         max(p.typ for p in parts), lsb, all(p.exact_zero for p in parts), shape=shape, axis=axis)

    def concat(self, t):
        parts = [t] + [self.branch(t) for _ in range(self.pick([1, 1, 2, 3]))]
        self.rng.shuffle(parts)
        if sum(p.shape[1] for p in parts) > MAX_CHANNELS:
            return self.convolve(t)
        return self.finished(self.joined(parts, t.shape[2:]), 0.6)

    def summed(self, a, b):
        lsb = lowest(a.lsb, b.lsb)
        kind = self.pick(["Add", "Add", "Sub"])
        return self.step(kind, a, [a.name, b.name], a.top + b.top, a.typ + b.typ, lsb, shape=a.shape)

    def shared(self, t):
        """Two to four readers of one tensor, added."""
        total = self.pick(self.fitting(t, same_channels=True))
        for _ in range(self.pick([1, 2, 3])):
            other = self.pick([t, None, None])
            if other is None:
                other = self.finished(self.conv(t, t.shape[1], same=True))
            total = self.summed(total, other)
        return self.finished(total, 0.7)

    def enlarged(self, t):
        return self.enlarge(t) if 9 * np.prod(t.shape) <= MAX_ELEMENTS else self.convolve(t)

    def bordered(self, t):
        t = self.pad(t)
        return self.convolve(t) if self.chance(0.6) else self.finished(t, 0.3)

    def averaged(self, t):
        return self.finished(self.average_pool(t), 0.6)

    def globally(self, t):
        shape = t.shape[:2] + (1,) * (len(t.shape) - 2)
        if self.chance(0.5):
            return self.step("GlobalMaxPool", t, [t.name], t.top, t.typ, t.lsb, t.exact_zero, shape=shape)
        return self.finished(self.global_average(t), 0.5)

    def block(self, t, _is_first=False):
        if np.prod(t.shape) > MAX_ELEMENTS:
            return self.max_pool(self.convolve(t))
        kinds = [self.convolve] * 5 + [self.concat] * 3 + [self.enlarged] * 2 + [self.shared] * 2 + [
            self.max_pool, self.averaged, self.bordered, self.relu, self.affine, self.finished]
        return self.pick(kinds + [self.move] * 6 + [self.globally] * self.chance(0.2))(t)

    # ---- the end

    def flat_block(self, t):
        kind = self.pick(["dense", "dense", "join", "self", "sum", "quant"])
        if kind == "dense":
            return self.finished(self.between(self.dense(t, int(self.rng.integers(1, 10))), self.chance(0.5)))
        flat = [f for f in self.flats if f.shape[1] + t.shape[1] <= MAX_JOINED] or [t]
        if kind == "join":
            return self.joined(self.rng.permuted([t, self.pick(flat)]).tolist())
        if kind == "self":
            return self.joined([t] * self.pick([2, 3]))
        same = [f for f in flat if f.shape == t.shape] or [t]
        return self.summed(t, self.pick(same)) if kind == "sum" else self.quantise(t)

    def flattened(self, t):
        """The last map and perhaps earlier ones as vectors, concatenated in any order."""
        earlier = [m for m in self.maps if np.prod(m.shape) <= MAX_JOINED]
        parts = [t] + [self.pick(earlier) for _ in range(self.pick([0, 0, 1, 1, 2])) if earlier]
        self.rng.shuffle(parts)
        self.flats = [self.flatten(p) for p in parts]
        if len(parts) > 1:
            self.flats.append(self.joined(self.flats))
        return self.flats[-1]

    def build(self):
        self.dyadic = self.pick([1.0, 1.0, 1.0, 0.8])
        self.kind = self.pick([k for k in INPUTS if k != "real" or self.chance(0.3)])
        _, top, typ, lsb = INPUTS[self.kind]
        channels = int(self.rng.integers(1, 10))
        self.shape = (1, channels, *(int(self.rng.integers(1, 9)) for _ in range(self.pick([1, 2, 2, 2]))))
        self.tensors["in"] = (self.shape, TensorProto.FLOAT, (top, lsb))
        t = Tensor("in", self.shape, top, typ, lsb)
        t = self.quantise(t, bits=self.pick([2, 4, 8]) if t.lsb is not None else 4)
        self.per_channel, self.on_floats, self.maps = True, False, [t]
        self.may_be_constant = self.chance(self.SHARE_OF_CONSTANT)
        for _ in range(int(self.rng.integers(1, 6))):
            t = self.block(t)
            self.maps.append(t)
        if self.chance(0.15) and not self.may_be_constant:
            self.scores, self.output, self.integers = t, t.name, False  # a map of scores
            return
        while np.prod(t.shape) > MAX_JOINED:
            t = self.max_pool(t) if self.chance(0.8) else self.quantise(self.global_average(t))
        t = self.flattened(t)
        for _ in range(self.pick([0, 1, 1, 2, 3])):
            if t.shape[1] <= 2 * MAX_JOINED:
                t = self.flat_block(t)
                self.flats.append(t)
        if self.may_be_constant:  # a quantiser that lies far beside all scores
            t = self.step("Add", t, [t.name, self.const(np.float32(2.0 ** 20))], t.top + 2.0 ** 20, 2.0 ** 20, t.lsb)
            t = self.quantise(Tensor(t.name, t.shape, t.top, 1.0, t.lsb))
        self.finish(t)

    # ---- the finished model

    def proto(self, for_executor):
        model = super().proto(for_executor)
        if not for_executor:
            self.exaggerate(model)
        return model

    def exaggerate(self, model):
        """Strides that lead past the only window may be any number; the executor computes with those drawn."""
        rng = np.random.default_rng(len(model.graph.node))
        for node in model.graph.node:
            attributes = {a.name: a for a in node.attribute}
            if "strides" not in attributes or "auto_pad" in attributes or "ceil_mode" in attributes:
                continue
            for axis, extent in enumerate(self.tensors[node.output[0]][0][2:]):
                if extent == 1 and rng.random() < 0.1:
                    attributes["strides"].ints[axis] = ENDLESS[rng.integers(len(ENDLESS))]

    # ---- what was drawn

    def traits(self):
        """Names of the shapes drawn: each operator that moves elements with what it stands behind, and the like."""
        made = {output: node for node in self.nodes for output in node.output}
        live, found = self.live(), set()

        def behind(name):
            """The last operator that is not element by element, and its kind."""
            node = made.get(name)
            while node is not None and node.op_type in SMALL:
                node = made.get(next(i for i in node.input if i in live))
            return "input" if node is None else self.sort(node)

        for node in self.nodes:
            read = [i for i in node.input if i in live]
            if not read or node.op_type in SMALL or node.op_type == "Shape":
                continue
            sort = self.sort(node)
            found.add(sort)
            found.update(f"{sort} of {behind(i)}" for i in read)
            if node.op_type == "Concat" and len(set(read)) < len(read):
                found.add("concat of one tensor twice")
        readers = collections.Counter(i for node in self.nodes for i in set(node.input) & live)
        most = max(readers.values())
        return found | ({f"tensor read {most} times"} if most > 1 else set())

    def sort(self, node):
        """The kind of a node that is not element by element."""
        if node.op_type != "Conv":
            return SORTS.get(node.op_type, node.op_type.lower())
        groups = next((a.i for a in node.attribute if a.name == "group"), 1)
        channels = self.tensors[node.input[0]][0][1]
        return "convolution" if groups == 1 else "depthwise" if groups == channels else "grouped"

    # ---- outputs

    def live(self):
        """Names of the tensors that depend on the image's values."""
        live = {"in"}
        for node in self.nodes:
            if node.op_type != "Shape" and live.intersection(node.input):
                live.update(node.output)
        return live

    def run(self, count):
        """As RandomModel.run, but with all images in one batch."""
        batch, live = 2 * count, self.live()
        images = np.concatenate([self.image() for _ in range(batch)])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context = execute_onnx(ModelWrapper(self.batched(batch, live)), {"in": images.astype(np.float32)},
                                   return_full_exec_context=True)
        self.check_facts(context, {name: batch for name in live})
        kept, tried = [], 0
        while len(kept) < count and tried < batch:
            own = {name: context[name][tried:tried + 1] for name in live if name in context}
            kept += [tried] if all(safe(own) for safe in self.guards) else []
            tried += 1
        if len(kept) < count:
            return None, None, tried - len(kept)
        inputs = images[kept] if self.chance(0.5) else images[kept][:, None]
        dtype = np.int64 if self.integers else np.float32
        return inputs, np.asarray(context[self.output][kept], dtype), tried - len(kept)

    def batched(self, batch, live):
        """The model for the executor, for so many images at once."""
        model = self.proto(for_executor=True)
        for info in [*model.graph.input, *model.graph.value_info, *model.graph.output]:
            if info.name in live:
                info.type.tensor_type.shape.dim[0].dim_value = batch
        targets = {n.input[at] for n in model.graph.node for kind, at in [("Reshape", 1), ("Resize", 3)]
                   if n.op_type == kind and len(n.input) > at}
        stored = [c for c in model.graph.initializer if c.name in targets]
        stored += [n.attribute[0].t for n in model.graph.node if n.op_type == "Constant" and n.output[0] in targets]
        for tensor in stored:
            shape = numpy_helper.to_array(tensor).copy()
            shape[0] = batch
            tensor.CopyFrom(numpy_helper.from_array(shape, tensor.name))
        return model
