"""Two-step quantization: activations first, then ternary weights layer by layer so that codes stay what they are."""
import numpy as np
import torch

from layers import Flatten, Linear, Network, Norm, Pixels, outputs_of
from low_bit import Levels
from training import IMAGES, fit
from weights import Fixed, Part

SHARE = 0.6  # of activations that become 0


def sparse_levels():
    """Threshold below which everything is 0, and the step of three equal levels that fit a normal distribution above
    it best (Lloyd's algorithm with the levels held equally spaced)."""
    draws = torch.distributions.Normal(0.0, 1.0).icdf((torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000)
    least = draws[round(SHARE * len(draws))].item()
    above, step = draws[draws >= least], 0.5
    for _ in range(100):
        codes = torch.bucketize(above, torch.tensor([1.5 * step, 2.5 * step], dtype=torch.float64)) + 1
        step = ((above * codes).sum() / codes.square().sum()).item()
    return round(least, 4), round(step, 4)


def nearest_code(target, prediction, weight, edges, step):
    """For each element the z that is best in (target - Q(z))^2 + weight (z - prediction)^2."""
    best, cost = prediction.copy(), np.full(prediction.shape, np.inf)
    for code, (low, high) in enumerate(zip([-np.inf, *edges], [*(edges - 1e-6), np.inf])):
        z = np.clip(prediction, low, high)
        c = (target - code * step) ** 2 + weight * (z - prediction) ** 2
        best, cost = np.where(c < cost, z, best), np.minimum(c, cost)
    return best


def ternary_fit(inputs, targets, codes, scale, rounds):
    """Ternary codes [m, outputs], scale and offset per output so that scale * inputs @ codes + offset is near the
    targets: each code in turn takes the best of its three values, then scale and offset follow."""
    centred = inputs - inputs.mean(0)
    gram, products = centred.T @ centred, centred.T @ (targets - targets.mean(0))
    for _ in range(rounds):
        for j in range(len(codes)):
            if gram[j, j] == 0:
                codes[j] = 0  # this input never changes
                continue
            others = gram[j] @ codes - gram[j, j] * codes[j]
            codes[j] = np.clip(np.rint((products[j] - scale * others) / (scale * gram[j, j])), -1, 1)
        power = np.einsum("ij,ij->j", codes, gram @ codes)
        scale = np.einsum("ij,ij->j", codes, products) / np.maximum(power, 1e-9)
        codes, scale = codes * np.where(scale < 0, -1, 1), np.maximum(np.abs(scale), 1e-6)
    offset = targets.mean(0) - scale * (inputs.mean(0) @ codes)
    return codes, scale, offset


def tsq():
    least, step = sparse_levels()
    edges = np.array([least, 1.5 * step, 2.5 * step])

    def quant():
        return Levels(([float(edge) for edge in edges], step), layout="NC")

    torch.manual_seed(0)
    first = fit(Network(
        pixels=Pixels(), flatten=Flatten(), linear1=Linear(64, 32), norm1=Norm(32, affine=False), quant1=quant(),
        linear2=Linear(32, 16), norm2=Norm(16, affine=False), quant2=quant(),
        linear3=Linear(16, 10), norm3=Norm(10)), epochs=80, rate=5e-3)
    wanted = outputs_of(first, IMAGES)

    layers = {"pixels": Pixels(), "flatten": Flatten()}
    inputs = wanted["flatten"].numpy().astype(np.float64)
    for n in (1, 2, 3):
        targets = wanted[f"norm{n}"].numpy().astype(np.float64)
        w = first.get_submodule(f"linear{n}").weight.detach().numpy().T.astype(np.float64)
        norm = first.get_submodule(f"norm{n}")
        w = w / np.sqrt(norm.running_var.numpy() + norm.eps)
        if norm.affine:
            w = w * norm.weight.detach().numpy()
        kept = np.abs(w) > 0.7 * np.abs(w).mean(0)
        codes, scale = np.sign(w) * kept, (np.abs(w) * kept).sum(0) / kept.sum(0)
        codes, scale, offset = ternary_fit(inputs, targets, codes, scale, 20)
        if n < 3:
            levels = wanted[f"quant{n}"].numpy().astype(np.float64)
            for weight in (0.01, 0.03, 0.1, 0.3, 1.0, 3.0):
                for _ in range(5):
                    z = nearest_code(levels, inputs @ codes * scale + offset, weight, edges, step)
                    codes, scale, offset = ternary_fit(inputs, z, codes, scale, 2)
        linear = Linear(len(codes), codes.shape[1], bias=True, quantizer=Fixed(Part(
            "integer", torch.tensor(codes.T).float(), torch.tensor(scale[:, None]).float(), 2)))
        linear.bias.data = torch.tensor(offset).float()
        layers[f"linear{n}"] = linear
        if n < 3:
            layers[f"quant{n}"] = quant()
            inputs = outputs_of(Network(**layers), IMAGES)[f"quant{n}"].numpy().astype(np.float64)
    return Network(**layers).eval()
