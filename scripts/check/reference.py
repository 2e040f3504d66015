#!/usr/bin/env python3
"""Compares every engine of BIN with an independent implementation on seeded random networks.

  pip install -r scripts/requirements.txt
  reference.py --bin target/release/xnorforge [--on reference cpu] [--count 50] [--from 0] [--seed 0]
      [--networks dense convolutional quantised topologies ends forms] [--most-refused 0.5] [--jobs 2] [--state FILE]
  reference.py --write DIR                     only writes models, inputs and expected outputs

Draws small QONNX multi-layer perceptrons, convolutional networks, quantised networks of standard operators, networks of
unusual shape, and networks of little more than float ends in turn, computes their outputs with the PyPI package qonnx
(the quantised ones with onnxruntime), one image at a time (those of unusual shape all at once), and compares each engine
with them: reference and cpu run the model; plan runs a compiled directory; rtl and verilator simulate one of a random
legal folding, both ends held back at random; icarus runs the testbench of a directory.
Class indices and scores that float32 computes without rounding must be identical; other scores may differ by 1e-4 of
the image's largest (or by the rounding error of float32 where that is more), and their arg-max must agree. Images where
float32 rounding could decide a quantiser or an arg-max are drawn anew and counted, and so are networks with the same
output for every image, but for a few.
Convolutional networks and those of unusual shape that an engine refuses by name (exit 2) are counted, listed by reason,
and drawn anew; more than --most-refused of the networks tried, a panic, no answer within --timeout, any other exit,
complaints of usage, and words that blame xnorforge are failures.
With --state, what is done is kept in FILE, and a second call goes on from there while binary and options are the same.
With --write and --bin the files are kept: DIR/NAME.onnx, DIR/golden/NAME/{input,output}.npy.
Last line: 'N passed, N failed'. Exit 0 only if all passed and at least one ran, 1 on failures, 2 on usage.
"""
import argparse
import collections
import hashlib
import json
import multiprocessing
import os
import sys
import tempfile

import numpy as np
import onnx

import random_engines
from random_convolutions import RandomConvolutional
from random_ends import RandomEnds
from random_engines import Refused
from random_forms import RandomForms
from random_models import RandomModel
from random_nodes import SLACK
from random_quantised import RandomQuantised
from random_topologies import RandomTopology

KINDS = {"dense": (RandomModel, 16), "convolutional": (RandomConvolutional, 16), "quantised": (RandomQuantised, 16),
         "topologies": (RandomTopology, 8), "ends": (RandomEnds, 32), "forms": (RandomForms, 8)}  # and images of each
DRAWS = 50  # tries for a network whose output depends on its input, and not on float32 rounding


def draw(kind, seed, index, passed_over, attempts):
    """The next network of `kind` with number `index`, its inputs and outputs; counts what is passed over on the way."""
    for attempt in attempts:
        drawn, images = KINDS[kind]
        network = drawn([seed, index, attempt])
        inputs, outputs, near_ties = network.run(images)
        passed_over["images"] += near_ties
        if inputs is None:
            passed_over["networks"] += 1
        elif np.all(outputs == outputs[0]) and not network.may_be_constant:
            passed_over["constant"] += 1
        else:
            return network, inputs, outputs
    raise RuntimeError(f"network {index} of seed {seed}: none of {DRAWS} draws is of use")


def write(folder, name, network, inputs, outputs):
    golden = os.path.join(folder, "golden", name)
    os.makedirs(golden, exist_ok=True)
    model = os.path.join(folder, name + ".onnx")
    x, y = os.path.join(golden, "input.npy"), os.path.join(golden, "output.npy")
    onnx.save(network.proto(for_executor=False), model)
    np.save(x, inputs)
    np.save(y, outputs)
    return model, x


def difference(network, got, want):
    """None where `got` is right, else one sentence saying how it is not."""
    if got.shape[:1] != want.shape[:1] or got.size != want.size:
        return f"output has shape {list(got.shape)}, must have {list(want.shape)}"
    got = got.reshape(want.shape)  # an output of shape [1] may or may not be its own batch axis
    if got.dtype != want.dtype:
        return f"output is {got.dtype}, must be {want.dtype}"
    if network.integers or network.scores.lsb is not None:
        wrong = np.argwhere(~(got == want))
        if len(wrong):
            at = tuple(wrong[0])
            return (f"{len(wrong)} of {want.size} values differ, first at {[int(i) for i in at]}: "
                    f"{got[at]}, must be {want[at]}")
        return None
    for n, (g, w) in enumerate(zip(got, want)):
        allowed = max(1e-4 * np.abs(w).max(), SLACK * network.scores.top)
        if not np.all(np.abs(g - w) <= allowed):  # also catches NaN
            i = int(np.argmax(np.where(np.isnan(g), np.inf, np.abs(g - w))))
            return f"image {n}, value {i} is {g[i]}, must be {w[i]}"
        if w.flat[g.argmax()] < w.max() - allowed:
            return f"image {n}: arg-max {g.argmax()}, must be {w.argmax()}"
    return None


def verdict(args, directories, engine, network, x, outputs, index):
    """None where an engine is right, else how it is not; raises Refused where it may say so."""
    try:
        got = random_engines.run(directories, engine, x, np.random.default_rng([args.seed, index]))
        few = outputs[:random_engines.SIMULATED] if engine in random_engines.SIMULATORS else outputs
        return None if got is None else difference(network, got, few)
    except Refused as e:
        if network.may_be_refused:
            raise
        return f"refused: {e}"
    except RuntimeError as e:
        return str(e)


def check(args, index):
    """What became of network `index`: a verdict for each engine, and what to count of it."""
    name = f"random_{args.seed}_{index:03d}"
    kind = args.networks[index % len(args.networks)]
    passed_over, refusals, attempts, verdicts = collections.Counter(), [], iter(range(DRAWS)), None
    while verdicts is None:
        network, inputs, outputs = draw(kind, args.seed, index, passed_over, attempts)
        with tempfile.TemporaryDirectory() as scratch:
            model, x = write(args.write or scratch, name, network, inputs, outputs)
            directories = random_engines.Directories(args.bin, model, scratch, args.timeout)
            try:
                if args.bin and network.may_be_refused:
                    directories.check_exact()
                verdicts = {engine: verdict(args, directories, engine, network, x, outputs, index)
                            for engine in (args.on if args.bin else [])}
            except Refused as e:
                refusals.append(str(e))
    operators = [n.op_type for n in network.nodes if n.op_type != "Constant"]
    return {"index": index, "name": name, "verdicts": verdicts, "operators": operators, "refusals": refusals,
            "domain": network.domain or "empty domain", "traits": sorted(network.traits()),
            "exact": not network.guards and network.scores.lsb is not None, "passed_over": passed_over}


class State:
    """A file with what is done: a line that says of what, then a line a network."""

    def __init__(self, args):
        with open(args.bin, "rb") as binary:
            digest = hashlib.sha256(binary.read()).hexdigest()
        self.title = json.dumps([digest, args.seed, args.networks, args.on])
        self.path, self.done = args.state, {}
        if self.path and os.path.exists(self.path):
            with open(self.path) as lines:
                if next(lines, "").strip() == self.title:
                    self.done = {entry["index"]: entry for entry in map(json.loads, lines)}
        if self.path and not self.done:
            with open(self.path, "w") as lines:
                lines.write(self.title + "\n")

    def add(self, entry):
        if self.path and entry["index"] not in self.done:
            with open(self.path, "a") as lines:
                lines.write(json.dumps(entry) + "\n")


def show(args, entry):
    if not args.bin:
        print(f"wrote {entry['name']}  {entry['domain']}: {' '.join(entry['operators'])}")
    for engine, fault in entry["verdicts"].items():
        if fault or not args.quiet:
            print(f"{'FAIL' if fault else 'ok  '} {entry['name']} {engine}", flush=True)
        if fault:
            print(f"     {fault}\n     {entry['domain']}: {' '.join(entry['operators'])}")
            print(f"     again: --seed {args.seed} --only {entry['index']} --networks {' '.join(args.networks)} "
                  f"--on {engine}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", help="the xnorforge binary")
    parser.add_argument("--on", nargs="+", default=["reference", "cpu"], metavar="ENGINE")
    parser.add_argument("--networks", nargs="+", choices=list(KINDS), default=["dense", "convolutional", "quantised"],
                        help="kinds, in turn")
    parser.add_argument("--count", type=int, default=50, help="number of networks")
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="N", help="number of the first of them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, nargs="+", metavar="N", help="only these of the networks, by number")
    parser.add_argument("--write", metavar="DIR", help="keep models, inputs and expected outputs")
    parser.add_argument("--most-refused", type=float, default=0.5, metavar="SHARE",
                        help="most of the networks tried that may be refused")
    parser.add_argument("--timeout", type=float, default=120, help="seconds for one call of the binary")
    parser.add_argument("--jobs", type=int, default=1, help="networks at a time")
    parser.add_argument("--state", metavar="FILE", help="keep what is done, and go on from there")
    parser.add_argument("--quiet", action="store_true", help="name only the networks that fail")
    args = parser.parse_args()
    if not (args.bin or args.write):
        parser.error("--bin or --write is needed")
    if args.bin and not os.access(args.bin, os.X_OK):
        parser.error(f"{args.bin} is not a program")
    if args.state and not args.bin:
        parser.error("--state needs --bin")

    counts, seen, traits, reasons, passed_over = (collections.Counter() for _ in range(5))
    state = State(args) if args.bin else None
    numbers = args.only or range(args.first, args.first + args.count)
    done = state.done if state else {}
    with multiprocessing.Pool(args.jobs) as pool:
        fresh = pool.imap(Check(args), [index for index in numbers if index not in done])
        for index in numbers:
            entry = done.get(index) or next(fresh)
            if state:
                state.add(entry)
            show(args, entry)
            counts.update("failed" if fault else "passed" for fault in entry["verdicts"].values())
            reasons.update(entry["refusals"])
            counts["exact"] += entry["exact"]
            passed_over.update(entry["passed_over"])
            seen.update(set(entry["operators"]))
            traits.update(entry["traits"])
    print("networks with each operator:", ", ".join(f"{k} {v}" for k, v in sorted(seen.items())))
    if traits:
        print("networks with each shape:", ", ".join(f"{k} {v}" for k, v in sorted(traits.items())))
    for reason, count in reasons.most_common():
        print(f"refused {count}: {reason}")
    print(f"{counts['exact']} networks exact throughout; drawn anew: {passed_over['images']} images and "
          f"{passed_over['networks']} networks where float32 rounding could decide, "
          f"{passed_over['constant']} networks with one output for all")
    if args.bin:
        refused, tried = sum(reasons.values()), sum(reasons.values()) + len(numbers)
        print(f"{refused} networks refused by name and drawn anew")
        if refused > args.most_refused * tried:
            print(f"FAIL at most {args.most_refused:.0%} of the networks tried may be refused, but {refused} of {tried} are")
            counts["failed"] += 1
        print(f"{counts['passed']} passed, {counts['failed']} failed")
        return 0 if counts["passed"] and not counts["failed"] else 1
    return 0


class Check:
    """`check` with its options, for other processes."""

    def __init__(self, args):
        self.args = args

    def __call__(self, index):
        return check(self.args, index)


if __name__ == "__main__":
    sys.exit(main())
