"""How reference.py runs a model on each engine: the model itself, or a directory that is compiled first."""
import json
import os
import re
import subprocess

import numpy as np

BLAME = "fault of xnorforge"
USAGE = "Usage: "  # in what the argument parser says
SIMULATORS = {"rtl", "verilator"}
SIMULATED = 3  # images, of those given


class Refused(Exception):
    """The binary says what the model must be: its sentence, without names and numbers."""


def call(timeout, *command):
    """Runs a command; raises Refused or RuntimeError with its complaint."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, errors="replace")
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"no answer in {timeout:.0f} s: {' '.join(command)}")
    words = " ".join((done.stderr or done.stdout).split())
    if done.returncode == 2 and not any(fault in words for fault in (BLAME, USAGE, "panicked")):
        raise Refused(re.sub(r"-?\d+(\.\d+)?(e-?\d+)?", "N", re.sub(r"`[^`]*`", "`…`", words)))
    if done.returncode or BLAME in words or "panicked" in words:
        raise RuntimeError(f"exit {done.returncode}: {' '.join(command[1:3])}: {words}")


class Directories:
    """What a model is compiled to, once for each way."""

    def __init__(self, binary, model, folder, timeout):
        self.binary, self.model, self.folder, self.timeout = binary, model, folder, timeout
        self.outcomes = {}

    def check_exact(self):
        """Counts a model whose scales are approximated as refused: the executor computes with the file's."""
        words = subprocess.run([self.binary, "info", self.model], capture_output=True, text=True, errors="replace",
                               timeout=self.timeout).stdout
        if "inexact: the scales" in words:
            raise Refused("the scales of channels or operands are approximated")

    def path(self, name):
        return os.path.join(self.folder, name)

    def compiled(self, name, *options):
        """The directory, or again the complaint that there is none."""
        if name not in self.outcomes:
            try:
                call(self.timeout, self.binary, "compile", self.model, "-o", self.path(name), *options)
                self.outcomes[name] = None
            except (Refused, RuntimeError) as fault:
                self.outcomes[name] = fault
        if self.outcomes[name]:
            raise self.outcomes[name]
        return self.path(name)

    def plain(self):
        return self.compiled("plain", "--target-fps", "10")

    def folded(self, rng):
        """Compiled with a random legal folding, dividing or not."""
        with open(os.path.join(self.plain(), "plan.json")) as plan:
            network = json.load(plan)["network"]
        folding = {}
        for layer in network["layers"]:
            limits = limits_of(network, layer)
            if limits:
                pe, simd = (int(rng.integers(1, limit + 1)) for limit in limits)
                folding[layer["name"]] = {"pe": pe, "simd": simd}
        with open(self.path("folding.json"), "w") as file:
            json.dump(folding, file)
        return self.compiled("folded", "--folding", self.path("folding.json"))


def limits_of(network, layer):
    """Greatest pe and simd of a layer, None where it has none to choose."""
    kind = layer["kind"]
    if "matrix_vector" in kind:
        return kind["matrix_vector"]["rows"], kind["matrix_vector"]["columns"]
    if "convolution" not in kind:
        return None
    convolution = kind["convolution"]
    channels = network["tensors"][layer["inputs"][0]]["channels"]
    groups, rows = convolution["groups"], convolution["weights"]["rows"]
    return (groups, 1) if groups == channels == rows else (rows // groups, channels // groups)


def run(directories, engine, inputs, rng):
    """What an engine computes of the images, or of the first few; None where it compares by itself and finds nothing."""
    binary, out = directories.binary, directories.path("y.npy")
    images = ["--input", inputs, "--output", out]
    if engine == "icarus":
        call(directories.timeout, "sh", os.path.join(directories.plain(), "testbench", "run.sh"))
        return None
    if engine in SIMULATORS:
        held = ["--count", str(SIMULATED), "--backpressure", str(rng.integers(1, 1 << 31))]
        call(directories.timeout, binary, "simulate", directories.folded(rng), "--on", engine, *images, *held)
    else:
        source = directories.plain() if engine == "plan" else directories.model
        call(directories.timeout, binary, "run", source, "--on", engine, *images)
    try:
        return np.load(out, allow_pickle=False)
    except (OSError, ValueError) as e:
        raise RuntimeError(f"its output cannot be read: {e}")
