"""What becomes of a model of zoo.py: refused, exact, or not, on each engine."""
import os
import re
import subprocess
import tempfile
import time

import numpy as np

from random_engines import BLAME, USAGE
import zoo_ties
from zoo_cache import about

ENGINES = ("cpu", "reference", "plan", "verilator")
COMPILED = {"plan", "verilator"}
LARGEST = 64 * 64  # pixels, or samples, that are compiled
SLACK = 2.0 ** -17  # of an image's greatest score: what rounds the last float operations otherwise
TIES = re.compile(r"quantises to another code: ((?:at least )?\d+)")


class Refused(Exception):
    """The binary says what the model must be."""


class Failed(Exception):
    """The binary is at fault."""


class Slow(Exception):
    """No answer within the time allowed."""


def call(args, *command):
    """What the binary prints; raises Refused or Failed with its complaint."""
    try:
        done = subprocess.run([args.bin, *command], capture_output=True, text=True, timeout=args.timeout,
                              errors="replace")
    except subprocess.TimeoutExpired:
        raise Slow(f"no answer of {command[0]} in {args.timeout:.0f} s")
    words = " ".join(done.stderr.split())
    if done.returncode == 2 and not any(fault in words for fault in (BLAME, USAGE, "panicked")):
        raise Refused(words)
    if done.returncode or BLAME in words or "panicked" in words:
        raise Failed(f"{command[0]}: exit {done.returncode}: {words[-300:]}")
    return done.stdout


def differing(got, want):
    """How many values of each image differ; of floats those that differ by more than rounding."""
    if got.size != want.size:
        raise Failed(f"output has shape {list(got.shape)}, must have {list(want.shape)}")
    got, want = got.reshape(len(want), -1).astype(np.float64), want.reshape(len(want), -1).astype(np.float64)
    allowed = 0 if np.all(want == np.round(want)) else SLACK * np.abs(want).max(1, keepdims=True)
    return np.sum(~(np.abs(got - want) <= allowed), axis=1)


class Runs:
    """The runs of one model by one binary; what is known already is not run again."""

    def __init__(self, args, known, name, scratch):
        folder = known.cache.model(name)
        self.args, self.known, self.name, self.scratch = args, known, name, scratch
        self.about, self.facts = about(folder), known.facts(name)
        self.model = os.path.join(folder, self.about["model"])
        self.options = self.about.get("options", [])
        self.inputs = os.path.join(scratch, "x.npy")
        self.images = np.load(os.path.join(folder, "input.npy"))[:args.images]
        self.want = np.load(os.path.join(folder, "output.npy"))[:args.images]
        np.save(self.inputs, self.images)

    def info(self, *what):
        return call(self.args, "info", self.model, *what, *self.options)

    def fact(self, name, find):
        """A fact that is found out once; a refusal or fault is one too."""
        if name not in self.facts:
            try:
                self.facts[name] = find()
            except (Refused, Failed, Slow) as complaint:
                self.facts[name] = {type(complaint).__name__: str(complaint)}
            self.known.keep(self.name, self.facts)
        return self.facts[name]

    def ties(self):
        return self.fact("ties", lambda: TIES.search(self.info("--ties")).group(1))

    def is_inexact(self):
        """Whether `info` says that the network was approximated."""
        return self.fact("inexact", lambda: "note: inexact:" in self.info()) is True

    def hits(self):
        """How many of the values that `info --ties` lists each image has."""
        def find():
            traces = os.path.join(self.scratch, "traces")
            call(self.args, "run", self.model, "--on", "cpu", "--input", self.inputs, "--trace", traces, *self.options)
            found = zoo_ties.hits(self.info("--ties"), self.info("--dump", "network"), traces)
            return [int(count) for count in found + np.zeros(len(self.images), int)]
        return self.fact(f"hits of {len(self.images)}", find)

    def directory(self):
        directory = os.path.join(self.scratch, "directory")
        if not os.path.exists(directory):
            # At one image a second everything is folded, so that there is the least to simulate at once.
            call(self.args, "compile", self.model, "-o", directory, "--target-fps", "1", *self.options)
        return directory

    def run(self, engine):
        """Runs an engine, unless it is known what it does with as many images."""
        count = min(len(self.images), self.args.simulated) if engine == "verilator" else len(self.images)
        known = self.facts["engines"].get(engine, {})
        if known.get("Refused") or known.get("images", 0) >= count or known.get("allowed", 0) >= self.args.timeout:
            return
        out = self.known.outputs(self.name, engine)
        images, start = ["--input", self.inputs, "--output", out, "--count", str(count)], time.monotonic()
        try:
            if engine == "verilator":
                call(self.args, "simulate", self.directory(), "--on", engine, *images)
            elif engine == "plan":
                call(self.args, "run", self.directory(), "--on", engine, *images)
            else:
                call(self.args, "run", self.model, "--on", engine, *images, *self.options)
            known = {"images": count, "seconds": round(time.monotonic() - start)}
        except (Refused, Failed, Slow) as complaint:
            known = {type(complaint).__name__: str(complaint), "allowed": self.args.timeout}
        self.facts["engines"][engine] = known
        self.known.keep(self.name, self.facts)

    def pixels(self):
        shape = self.images.shape[1:]
        return int(np.prod(shape)) // min(shape)  # few channels, wherever they stand


def check(args, known, name):
    """What to say of a model: its verdict, engines, faults."""
    folder = known.cache.model(name)
    entry = {"name": name, **about(folder), "verdict": "not made", "engines": {}, "faults": [], "ties": ""}
    if not os.path.exists(os.path.join(folder, "output.npy")):
        return {**entry, "faults": ["no outputs of its executor"]}
    with tempfile.TemporaryDirectory() as scratch:
        runs = Runs(args, known, name, scratch)
        if args.is_over() and not runs.facts["engines"]:
            return {**entry, "verdict": "not tried"}
        ties = runs.ties()
        if isinstance(ties, dict) and "Refused" in ties:
            return {**entry, "verdict": f"refused: {ties['Refused']}"}
        if isinstance(ties, dict):
            return {**entry, "verdict": "failed", "faults": list(ties.values())}
        entry["ties"] = ties
        for engine in ENGINES:
            if engine in args.on and not (engine in COMPILED and runs.pixels() > LARGEST) and not args.is_over():
                runs.run(engine)
        entry["engines"] = runs.facts["engines"]
        judge(runs, entry)
    return entry


def judge(runs, entry):
    """The verdict by the outputs that are known: against the executor's, and of the engines against each other."""
    outputs = {}
    for engine, known in entry["engines"].items():
        if "images" in known:
            outputs[engine] = np.load(runs.known.outputs(runs.name, engine), allow_pickle=False)[:len(runs.images)]
        elif "Failed" in known or ("Slow" in known and engine == "cpu"):  # the others simulate, or are naive
            entry["faults"].append(f"{engine}: {known.get('Failed', known.get('Slow'))}")
    entry["verdict"] = "not run"
    if not outputs:
        return
    most = max(outputs.values(), key=len)
    for engine, got in outputs.items():
        if not np.array_equal(got, most[:len(got)]):
            entry["faults"].append(f"{engine} differs from the other engines")
    try:
        compare(runs, most, entry)
    except Failed as fault:
        entry.update(verdict="failed", faults=[str(fault)])


def compare(runs, got, entry):
    """Outputs against the executor's, and against what `info` says of its rounding."""
    want = runs.want[:len(got)]
    wrong = differing(got, want)
    entry["verdict"] = "exact"
    if not wrong.any():
        return
    counts = f"{wrong.sum()} of {want.size}"
    if runs.is_inexact():
        entry["verdict"] = f"approximated: {counts} differ"
        return
    if entry["ties"] == "0":
        entry["verdict"] = f"wrong: {counts}"
        entry["faults"].append("info counts no value that float32 quantises otherwise")
        return
    same = got.reshape(len(wrong), -1).argmax(1) == want.reshape(len(wrong), -1).argmax(1)
    hits = runs.hits()
    entry.update(verdict=f"exact but {counts}", classes=int(same.sum()))
    if isinstance(hits, list):
        entry.update(hits=sum(hits), unlisted=int(np.sum((wrong > 0) & (np.array(hits[:len(wrong)]) == 0))))
