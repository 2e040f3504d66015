"""Seeded images and statistics for the models of zoo.py, and how a model is put down in its folder."""
import json
import os
import shutil
import sys
import tempfile
import zlib

import numpy as np

CALIBRATION = 8  # images of one calibration batch
# What the binary must be told of a model that takes pixels / 255 without a quantiser.
UNIT_PIXELS = ["--input-type", "u8", "--input-scale", "1/255"]


def seed_of(name):
    return zlib.crc32(name.encode())


def pixels(name, count, shape):
    """`count` images of `shape` (channels first), uint8: noise of several octaves, so that neighbours are alike."""
    rng = np.random.default_rng(seed_of(name))
    images = np.zeros((count, *shape))
    for octave in (2, 4, 8, 16):
        coarse = rng.normal(size=(count, shape[0], *(-(-size // octave) for size in shape[1:])))
        for axis in range(2, coarse.ndim):
            coarse = np.repeat(coarse, octave, axis)
        images += coarse[(slice(None), slice(None), *(slice(size) for size in shape[1:]))] * octave ** 0.5
    axes = tuple(range(1, images.ndim))
    low, high = images.min(axes, keepdims=True), images.max(axes, keepdims=True)
    return np.round((images - low) / (high - low) * 255).astype(np.uint8)


def unit(images):
    """Pixels / 255 in float32, as image loaders give them."""
    return images.astype(np.float32) / np.float32(255)


def put(folder, images, **about):
    """Writes the images that the model is run on, and what is to be told of it."""
    np.save(os.path.join(folder, "input.npy"), images)
    with open(os.path.join(folder, "about.json"), "w") as file:
        json.dump({"shape": list(images.shape[1:]), **about}, file, indent=1)


def make_all(make, folder, *names):
    """Makes each of `names` in a folder of its own, which appears when it is whole; says what failed."""
    for name in names:
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            try:
                make(name, scratch)
            except Exception as fault:  # of any of the packages: the other models are still to be made
                print(f"{name}: {type(fault).__name__}: {' '.join(str(fault).split())[:300]}", file=sys.stderr)
                continue
            os.rename(shutil.copytree(scratch, os.path.join(folder, f".{name}")), os.path.join(folder, name))
        print(name, flush=True)
