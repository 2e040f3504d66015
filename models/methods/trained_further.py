"""Methods that quantise a trained network step by step and train it further: INQ, ADMM, BWNH."""
import torch

from floats import conv_between_edges, float_conv, float_mlp
from layers import Network, outputs_of
from training import IMAGES, calibrate_norms, fit
from weights import Fixed, Part, Quantizer, per_output, sign


def nearest(values, x):
    """For each x the nearest of ascending magnitudes, with x's sign; of two as near the smaller one."""
    magnitudes = torch.tensor(values)
    return x.sign() * magnitudes[(x.abs()[..., None] - magnitudes).abs().argmin(-1)]


class Incremental(Quantizer):
    """0 and powers of two, 5 bits: the largest weights are quantised and stay, the others are still trained."""

    def __init__(self, w):
        super().__init__()
        largest = torch.floor(torch.log2(4 * w.detach().abs().max() / 3)).item()
        self.unit = 2.0 ** (largest - 7)
        self.frozen, self.values = torch.zeros_like(w, dtype=torch.bool), torch.zeros_like(w)

    def freeze(self, w, share):
        w = w.detach()
        rank = torch.where(self.frozen, torch.inf, w.abs()).flatten().argsort(descending=True, stable=True)
        chosen = torch.zeros(w.numel(), dtype=torch.bool)
        chosen[rank[:round(share * w.numel())]] = True
        new = chosen.view_as(w) & ~self.frozen
        self.values[new] = nearest([0.0, *(2.0 ** n for n in range(8))], w[new] / self.unit)
        self.frozen |= new

    def forward(self, w):
        return torch.where(self.frozen, self.values * self.unit, w)

    def parts(self, w):
        assert self.frozen.all()
        return [Part("integer", self.values, self.unit, 9)]


def inq():
    network = float_conv()
    for layer in network.products():
        layer.quantizer = Incremental(layer.weight)
    for n, share in enumerate((0.5, 0.75, 0.875, 1.0), 1):
        for layer in network.products():
            layer.quantizer.freeze(layer.weight, share)
        if share < 1:
            fit(network, epochs=20, rate=2e-3, seed=n)
    return calibrate_norms(network)


def project(w, values):
    """The nearest scale times one of the values (ascending magnitudes, either sign) for each weight."""
    codes = nearest(values, w / (w.abs().mean() / (sum(values) / len(values))))
    for _ in range(50):
        scale = (w * codes).sum() / codes.square().sum()
        next_codes = nearest(values, w / scale)
        if torch.equal(next_codes, codes):
            break
        codes = next_codes
    return codes, scale


def admm(network, values, part):
    """Weights are pulled towards their projection, which moves with them; at the end they are it."""
    layers = network.products()
    duals = [torch.zeros_like(layer.weight) for layer in layers]
    for n in range(15):
        targets = []
        for layer, dual in zip(layers, duals):
            codes, scale = project(layer.weight.detach() + dual, values)
            if n:
                dual += layer.weight.detach() - codes * scale
            targets.append(codes * scale)
        strength = 0.01 * 1.5 ** n
        if n:
            for dual in duals:
                dual /= 1.5  # scaled duals are in units of the strength

        def penalty():
            return strength / 2 * sum((layer.weight - target + dual).square().sum()
                                      for layer, target, dual in zip(layers, targets, duals))
        fit(network, epochs=8, rate=2e-3, seed=n + 1, penalty=penalty)
    for layer in layers:
        codes, scale = project(layer.weight.detach(), values)
        layer.quantizer = Fixed(part(codes, scale))
        layer.weight.requires_grad_(False)
    # norms and biases get used to it
    rest = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return calibrate_norms(fit(network, epochs=20, rate=2e-3, seed=100, parameters=rest))


def admm_binary():
    return admm(float_mlp(), [1.0], lambda codes, scale: Part("bipolar", codes, scale))


def admm_ternary():
    return admm(float_mlp(), [0.0, 1.0], lambda codes, scale: Part("integer", codes, scale, 2))


def admm_2():
    return admm(float_mlp(), [0.0, 1.0, 2.0], lambda codes, scale: Part("integer", codes, scale, 3))


def admm_4():
    return admm(float_conv(), [0.0, 1.0, 2.0, 4.0], lambda codes, scale: Part("integer", codes, scale, 4))


def hash_codes(inputs, w):
    """Signs and one scale per output, so that products with the inputs [n, m] change least: each sign in turn takes
    the value that is best with all others as they are, then the scales follow."""
    gram, targets = inputs.T @ inputs, inputs.T @ (inputs @ w.T)  # [m, m], [m, outputs]
    codes = sign(w).T.double()
    for _ in range(20):
        reach = gram @ codes
        scale = (codes * targets).sum(0) / (codes * reach).sum(0)
        before = codes.clone()
        for j in range(len(codes)):
            others = gram[j] @ codes - gram[j, j] * codes[j]
            codes[j] = sign((targets[j] - scale * others) * scale)
        if torch.equal(before, codes):
            break
    scale = (codes * targets).sum(0) / (codes * (gram @ codes)).sum(0)
    return (codes * sign(scale)).T.float(), scale.abs().float()


def bwnh():
    network = conv_between_edges()
    original = {name: network.get_submodule(name).weight.detach().clone() for name in ("conv2", "conv3")}
    for name, w in original.items():
        # the layer's inputs with the layers before it quantised already
        before = dict(network.named_children())
        before = Network(**{known: before[known] for known in list(before)[:list(before).index(name)]}).eval()
        inputs = list(outputs_of(before, IMAGES).values())[-1]
        patches = torch.nn.functional.unfold(inputs, 3, padding=1).transpose(1, 2).flatten(0, 1)
        codes, scale = hash_codes(patches.double(), w.flatten(1).double())
        layer = network.get_submodule(name)
        layer.quantizer = Fixed(Part("bipolar", codes.view_as(w), per_output(w, scale)))
        layer.weight.requires_grad_(False)
        calibrate_norms(network)
    rest = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return calibrate_norms(fit(network, epochs=40, rate=3e-3, seed=1, parameters=rest))
