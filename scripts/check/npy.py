#!/usr/bin/env python3
"""Compares what xnorforge reads of .npy files with what NumPy reads of them.

    python3 scripts/check/npy.py --bin target/release/xnorforge [--count 2000] [--seed 1]

Files that NumPy writes (types, byte orders, orders of axes, versions of the format), as they are and with a damaged header or
length. What is read must be what NumPy reads: the scores of the digits' network are those of the same array written plainly.
Of images as they are none may be refused. A refusal is exit status 2, at once. Needs NumPy.
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = os.path.join(HERE, "..", "..", "models", "digits", "digits_mlp.onnx")
IMAGES = ["|u1", "|i1", "<f4", ">f4"]
OTHERS = ["<f8", "<f2", "<i4", "|b1", "<c8", "<U3", [("a", "<f4"), ("b", "|u1")]]
PIECES = [b"'shape'", b"'descr': '<f4', ", b"(", b")", b",", b"[", b"]", b" ", b"\\", b"'", b'"', b"L", b"0x", b"True", b"None", b"{", b"}", b"\0", b"9" * 20, b"-1"]


def written(pick, path):
    """Writes a file and tells whether it holds images."""
    descr = pick.choice(IMAGES if pick.random() < 0.8 else OTHERS)
    shape = pick.choice([(3, 1, 8, 8)] * 6 + [(2, 8, 8), (1, 1, 1, 8, 8), (4, 64), (0, 1, 8, 8), (), (8,)])
    values = np.random.default_rng(pick.randrange(2**32)).integers(0, 100, shape)
    array = values.astype(np.dtype(descr)) if isinstance(descr, str) else np.zeros(shape, np.dtype(descr))
    array = np.asfortranarray(array) if pick.random() < 0.4 and array.ndim else array
    with open(path, "wb") as file:
        np.lib.format.write_array(file, array, version=pick.choice([(1, 0), (2, 0), (3, 0)]), allow_pickle=False)
    return descr in IMAGES and shape in ((3, 1, 8, 8), (1, 1, 1, 8, 8))


def damaged(pick, path):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    begin = 10 if data[6] == 1 else 12
    end = begin + int.from_bytes(data[8:begin], "little")
    header, elements = data[begin:end], data[end:]
    for _ in range(pick.randint(1, 3)):
        place, kind = pick.randrange(len(header)), pick.randrange(6)
        if kind == 0:
            header[place] = pick.randrange(256)
        elif kind == 1:
            del header[place : place + pick.randint(1, 4)]
        elif kind == 2:
            header[place:place] = pick.choice(PIECES)
        elif kind == 3:
            other = pick.randrange(len(header))
            header[place:place] = header[other : other + pick.randint(1, 30)]
        elif kind == 4:
            header[place:place] = bytes([pick.choice(b"[({'")]) * pick.choice([5, 60, 3000])
        else:
            elements = elements[: pick.randrange(len(elements) + 1)] if pick.random() < 0.5 else elements + b"\0"
        header = header or bytearray(b" ")
    head = data[:8] + len(header).to_bytes(begin - 8, "little")
    if pick.random() < 0.1:
        head[pick.randrange(len(head))] = pick.randrange(256)
    with open(path, "wb") as file:
        file.write(head + header + elements)


def scores(binary, images, folder):
    output = os.path.join(folder, "y.npy")
    command = [binary, "run", MODEL, "--input", images, "--output", output, "--json"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=10, errors="replace")
    if run.returncode not in (0, 2) or "panicked" in run.stderr:
        raise AssertionError(f"exit {run.returncode}: {run.stderr}")
    return np.load(output) if run.returncode == 0 else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    counts = {"read": 0, "refused": 0}
    with tempfile.TemporaryDirectory() as folder:
        path, plain = os.path.join(folder, "x.npy"), os.path.join(folder, "plain.npy")
        for number in range(arguments.count):
            pick = random.Random(f"{arguments.seed} {number}")
            must_be_read = written(pick, path)
            if pick.random() < 0.8:
                damaged(pick, path)
                must_be_read = False
            found = scores(arguments.bin, path, folder)
            counts["refused" if found is None else "read"] += 1
            if found is None:
                if must_be_read:
                    sys.exit(f"file {number} of seed {arguments.seed}: NumPy's own images are refused")
                continue
            array = np.load(path, allow_pickle=False)
            np.save(plain, np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="))))
            if not np.array_equal(found, scores(arguments.bin, plain, folder)):
                sys.exit(f"file {number} of seed {arguments.seed}: other images than NumPy reads")
    print(f"{arguments.count} files: {counts['read']} read as NumPy reads them, {counts['refused']} refused")


if __name__ == "__main__":
    main()
