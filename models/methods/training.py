"""The one training loop, on the parts of models/digits."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "digits"))

from common import moved, split  # first: it keeps the GPU out
import torch
from torch import nn

torch.set_num_threads(1)  # sums split over threads differ in their last bits
torch.use_deterministic_algorithms(True)

TRAINING, VALIDATION, TEST = split(seed=0)
IMAGES, LABELS = torch.tensor(TRAINING[0]).float(), torch.tensor(TRAINING[1]).long()


def cross_entropy(scores, labels):
    return nn.functional.cross_entropy(scores, labels, label_smoothing=0.1)


def squared_hinge(scores, labels):
    """What BinaryConnect and its successors minimise."""
    targets = 2 * nn.functional.one_hot(labels, 10) - 1
    return (1 - targets * scores).clamp(min=0).square().mean()


def fit(network, epochs, rate, batch=64, share=0.1, seed=0, loss=cross_entropy, penalty=None, after_step=None,
        parameters=None):
    """Adam with cosine decay; a `share` of the images is moved by up to one pixel."""
    draw = torch.Generator().manual_seed(seed)
    batches = len(IMAGES) // batch
    optimizer = torch.optim.Adam(network.parameters() if parameters is None else parameters, lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * batches)
    network.train()
    for _ in range(epochs):
        for pick in torch.randperm(len(IMAGES), generator=draw)[:batches * batch].view(batches, -1):
            cost = loss(network(moved(IMAGES[pick], share, draw)), LABELS[pick])
            if penalty is not None:
                cost = cost + penalty()
            optimizer.zero_grad()
            cost.backward()
            optimizer.step()
            schedule.step()
            with torch.no_grad():
                for layer in network.products():
                    layer.quantizer.settle(layer.weight)
                if after_step is not None:
                    after_step()
    return network.eval()


def calibrate_norms(network):
    """Means and variances over the whole training part, after weights were changed."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm1d)]
    for norm in norms:
        norm.momentum = None  # a plain average, and over one batch: that batch's own
        norm.reset_running_stats()
    with torch.no_grad():
        network.train()
        network(IMAGES)
    return network.eval()
