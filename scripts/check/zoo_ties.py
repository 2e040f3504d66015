"""Which of the values that `info --ties` lists occur in the images that a model of zoo.py is run on."""
import glob
import os
import re

import numpy as np

LAYER = re.compile(r"t(\d+): .*? = \w+\(t(\d+)\b.*\)  # (.*)")  # tensor, the first it is made of, node
TIE = re.compile(r"(\S.*?) +(\d+) +(-?\d+) +\S+ +\S+ +\S+")  # node, channel, sum


def listed(ties):
    """Node, channel and sum of each value."""
    return [(node, int(channel), int(value)) for node, channel, value in
            (found.groups() for found in map(TIE.fullmatch, ties.splitlines()[2:]) if found)]


def sums(network):
    """The tensor that each node quantises, by its number."""
    found = (LAYER.match(line) for line in network.splitlines())
    return {name: int(source) for _, source, name in (match.groups() for match in found if match)}


def hits(ties, network, traces):
    """How many listed values each image has; `traces` is a folder that `run --trace` wrote."""
    files = {int(os.path.basename(path)[:3]): path for path in glob.glob(os.path.join(traces, "*.npy"))}
    sources, tensors, total = sums(network), {}, 0
    for node, channel, value in listed(ties):
        if node not in sources or sources[node] not in files:
            continue
        source = sources[node]
        if source not in tensors:
            tensors[source] = np.load(files[source])  # [images, pixels, channels]
        total = total + np.sum(tensors[source][:, :, channel] == value, axis=1)
    return total
