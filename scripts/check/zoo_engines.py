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
    """The runs of one model."""

    def __init__(self, args, folder, scratch):
        self.args, self.scratch = args, scratch
        self.about = about(folder)
        self.model = os.path.join(folder, self.about["model"])
        self.options = self.about.get("options", [])
        self.inputs = os.path.join(scratch, "x.npy")
        self.images = np.load(os.path.join(folder, "input.npy"))[:args.images]
        self.want = np.load(os.path.join(folder, "output.npy"))[:args.images]
        np.save(self.inputs, self.images)
        self.directory = None

    def info(self, *what):
        return call(self.args, "info", self.model, *what, *self.options)

    def hits(self):
        """How many of the values that `info --ties` lists each image has."""
        traces = os.path.join(self.scratch, "traces")
        call(self.args, "run", self.model, "--on", "cpu", "--input", self.inputs, "--trace", traces, *self.options)
        found = zoo_ties.hits(self.info("--ties"), self.info("--dump", "network"), traces)
        return found + np.zeros(len(self.want), int)

    def compiled(self):
        if self.directory is None:
            directory = os.path.join(self.scratch, "directory")
            # At one image a second everything is folded, so that there is the least to simulate at once.
            call(self.args, "compile", self.model, "-o", directory, "--target-fps", "1", *self.options)
            self.directory = directory
        return self.directory

    def outputs(self, engine):
        out = os.path.join(self.scratch, f"{engine}.npy")
        images = ["--input", self.inputs, "--output", out]
        if engine == "verilator":
            call(self.args, "simulate", self.compiled(), "--on", engine, "--count", str(self.args.simulated), *images)
        elif engine == "plan":
            call(self.args, "run", self.compiled(), "--on", engine, *images)
        else:
            call(self.args, "run", self.model, "--on", engine, *images, *self.options)
        return np.load(out, allow_pickle=False)

    def pixels(self):
        shape = self.images.shape[1:]
        return int(np.prod(shape)) // min(shape)  # few channels, wherever they stand


def check(args, folder):
    """What to say of a model: its verdict, engines, faults."""
    entry = {**about(folder), "verdict": "not made", "engines": {}, "faults": [], "ties": "0"}
    if not os.path.exists(os.path.join(folder, "output.npy")):
        return {**entry, "faults": ["no outputs of its executor"]}
    with tempfile.TemporaryDirectory() as scratch:
        runs = Runs(args, folder, scratch)
        try:
            entry["ties"] = TIES.search(runs.info("--ties")).group(1)
        except Refused as refusal:
            return {**entry, "verdict": f"refused: {refusal}"}
        except (Failed, Slow) as fault:
            return {**entry, "verdict": "failed", "faults": [str(fault)]}
        judge(args, runs, entry)
    return entry


def judge(args, runs, entry):
    """Runs every engine, compares the first with the executor, and the others with the first."""
    first = None
    for engine in args.on:
        if engine in COMPILED and runs.pixels() > LARGEST:
            entry["engines"][engine] = "not tried"
            continue
        start = time.monotonic()
        try:
            got = runs.outputs(engine)
            entry["engines"][engine] = f"{time.monotonic() - start:.0f} s"
            if first is None:
                first = got
                compare(runs, got, entry)
            elif not np.array_equal(got, first[:len(got)]):
                entry["faults"].append(f"{engine} differs from {args.on[0]}")
        except Refused as refusal:
            entry["engines"][engine] = f"refused: {refusal}"
        except Slow as late:
            entry["engines"][engine] = str(late)
            if engine == "cpu":  # the others simulate, or are naive
                entry["faults"].append(f"{engine}: {late}")
        except Failed as fault:
            entry["engines"].setdefault(engine, "failed")
            entry["faults"].append(f"{engine}: {fault}")
    if first is None:
        entry["verdict"] = "not run"


def compare(runs, got, entry):
    """The verdict on outputs: against the executor, and against what `info` says of its rounding."""
    entry["verdict"] = "failed"
    wrong = differing(got, runs.want)
    if not wrong.any():
        entry["verdict"] = "exact"
        return
    counts = f"{wrong.sum()} of {runs.want.size}"
    if entry["ties"] == "0":
        entry["verdict"] = f"wrong: {counts}"
        entry["faults"].append("info counts no value that float32 quantises otherwise")
        return
    same = got.reshape(len(wrong), -1).argmax(1) == runs.want.reshape(len(wrong), -1).argmax(1)
    entry.update(verdict=f"exact but {counts}", classes=int(same.sum()))
    hits = runs.hits()
    entry.update(hits=int(hits.sum()), unlisted=int(np.sum((wrong > 0) & (hits == 0))))
