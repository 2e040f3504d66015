"""Statistics of a PyTorch network as training leaves them: drawn affine terms, running statistics of a calibration."""
import numpy as np
import torch
from torch import nn

from drawn import CALIBRATION, pixels, seed_of, unit

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def settle(network, name, shape, rounds):
    """Draws the terms of batch norms, and runs `rounds` batches for running statistics and activation scales."""
    generator = torch.Generator().manual_seed(seed_of(name))
    for module in network.modules():
        if isinstance(module, NORMS):
            sign = 1 - 2 * (torch.rand(module.weight.shape, generator=generator) < 0.05).float()
            module.weight.data = sign * (0.5 + torch.rand(module.weight.shape, generator=generator))
            module.bias.data = 0.3 * torch.randn(module.bias.shape, generator=generator)
    network.train()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    images = unit(pixels(f"{name} calibration", CALIBRATION * rounds, shape))
    with torch.no_grad():
        for count, batch in enumerate(np.split(images, rounds)):
            for module in network.modules():
                if hasattr(module, "running_mean"):
                    module.momentum = 1 / (count + 1)  # the mean of all batches
            network(torch.from_numpy(batch))
    return network.eval()
