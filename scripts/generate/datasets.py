#!/usr/bin/env python3
"""Converts data sets from their original files to .npy files in the domain each model expects.

  datasets.py --data ../shared/data --out DIR [--only mnist cifar10 kws]

Reads mnist/t10k-*.gz, cifar10/test_batch_first1000.bin and kws/*.npy below --data and writes

  mnist_test_raw.npy    uint8   [10000, 1, 28, 28]  pixels 0..255, for models that take raw pixels
  mnist_test_unit.npy   float32 [10000, 1, 28, 28]  pixel / 255 divided in float32, for TFC_1W1A and TFC_1W2A
  mnist_test_labels.npy uint8   [10000]
  cifar10_test1000.npy  uint8   [1000, 3, 32, 32]   planes R, G, B, pixels 0..255
  cifar10_test1000_labels.npy uint8 [1000]
  kws_test1000.npy      float32 [1000, 1, 10, 49]   features * 0.33674246, for KWS_W3A3
  kws_test1000_labels.npy uint8 [1000]

Needs numpy only. Exit status 2 when a file is missing or is not what its name says.
"""
import argparse
import gzip
import os
import sys

import numpy as np

KWS_SCALE = np.float32(0.33674246)  # scale of the model's input quantiser: the stored features are its integers
CIFAR_RECORD = 1 + 3 * 32 * 32  # a label byte, then the planes


class Unusable(Exception):
    """A file that is missing or is not what it should be; the text is for the user."""


def existing(*parts):
    path = os.path.join(*parts)
    if not os.path.isfile(path):
        raise Unusable(f"{path} is missing: --data must name a folder that holds {os.path.join(*parts[1:])}")
    return path


def idx(path, *shape):
    """The bytes of a gzip-compressed idx file of unsigned bytes, which must have `shape`."""
    try:
        with gzip.open(path) as f:
            data = f.read()
    except (OSError, EOFError) as e:
        raise Unusable(f"{path} cannot be unpacked: {e}")
    head = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
    if data[:len(head)] != head or len(data) != len(head) + int(np.prod(shape)):
        raise Unusable(f"{path} is not an idx file of bytes with shape {list(shape)}")
    return np.frombuffer(data, np.uint8, offset=len(head)).reshape(shape)


def npy(path, dtype, *shape):
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as e:
        raise Unusable(f"{path} cannot be read: {e}")
    if array.dtype != dtype or array.shape != shape:
        raise Unusable(f"{path} must be {np.dtype(dtype)} {list(shape)}, is {array.dtype} {list(array.shape)}")
    return array


def mnist(data):
    pixels = idx(existing(data, "mnist", "t10k-images-idx3-ubyte.gz"), 10000, 28, 28)[:, None]
    yield "mnist_test_raw", pixels
    # not pixels * (1/255), which differs in the last bit for half of the values
    yield "mnist_test_unit", pixels.astype(np.float32) / np.float32(255)
    yield "mnist_test_labels", idx(existing(data, "mnist", "t10k-labels-idx1-ubyte.gz"), 10000)


def cifar10(data):
    path = existing(data, "cifar10", "test_batch_first1000.bin")
    records = np.fromfile(path, np.uint8)
    if records.size != 1000 * CIFAR_RECORD:
        raise Unusable(f"{path} must hold 1000 records of {CIFAR_RECORD} bytes, holds {records.size} bytes")
    records = records.reshape(1000, CIFAR_RECORD)
    yield "cifar10_test1000", records[:, 1:].reshape(1000, 3, 32, 32)
    yield "cifar10_test1000_labels", records[:, 0]


def kws(data):
    features = npy(existing(data, "kws", "mfcc_int8.npy"), np.int8, 1000, 10, 49)
    yield "kws_test1000", features[:, None].astype(np.float32) * KWS_SCALE
    yield "kws_test1000_labels", npy(existing(data, "kws", "labels.npy"), np.uint8, 1000)


def main():
    sets = {"mnist": mnist, "cifar10": cifar10, "kws": kws}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with mnist/, cifar10/ and kws/")
    parser.add_argument("--out", required=True, help="folder to write to; made if it does not exist")
    parser.add_argument("--only", nargs="+", choices=sets, default=list(sets))
    args = parser.parse_args()
    try:
        os.makedirs(args.out, exist_ok=True)
        for name in args.only:
            for file, array in sets[name](args.data):
                np.save(os.path.join(args.out, file + ".npy"), np.ascontiguousarray(array))
                print(f"{file}.npy  {array.dtype} {list(array.shape)}")
    except (Unusable, OSError) as e:
        print(f"datasets.py: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
