"""What the networks of this folder share: data, quantizers, training, export, and the run of the written file."""
import argparse
import os

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # a GPU would round differently and give another network

import brevitas.nn as qnn
import numpy as np
import onnx
import torch
from brevitas.core.scaling import ScalingImplType
from brevitas.export import export_qonnx
from brevitas.quant import SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst, Uint8ActPerTensorFloat
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn


class Pixel(Uint8ActPerTensorFloat):
    """Unsigned 4 bit, scale 1: the pixel itself, with 16 clipped to 15."""

    bit_width = 4
    scaling_impl_type = ScalingImplType.CONST
    scaling_init = 15.0


class Weight(SignedBinaryWeightPerTensorConst):
    scaling_const = 1.0  # every layer is followed by a BatchNorm, which learns the scale


class Sign(SignedBinaryActPerTensorConst):
    scaling_const = 1.0


def binary(kind, *sizes, **more):
    """A layer of `kind` with one bit per weight and no bias."""
    layer = kind(*sizes, bias=False, weight_quant=Weight, **more)
    nn.init.uniform_(layer.weight, -0.5, 0.5)
    return layer


def binary_layers(network):
    return [layer for layer in network if isinstance(layer, (qnn.QuantLinear, qnn.QuantConv2d))]


def split(seed):
    """Stratified 60/15/25: (images, labels) of the training, validation and test part."""
    digits = load_digits()
    images, labels = digits.images.astype(np.uint8)[:, None], digits.target.astype(np.uint8)
    rest, test, rest_labels, test_labels = train_test_split(
        images, labels, test_size=0.25, stratify=labels, random_state=seed)
    train, val, train_labels, val_labels = train_test_split(
        rest, rest_labels, test_size=0.2, stratify=rest_labels, random_state=seed)
    return (train, train_labels), (val, val_labels), (test, test_labels)


def moved(images, share, draw):
    """A `share` of the images moved by up to one pixel each way: keeps the network from learning them by heart."""
    out = images.clone()
    for i in torch.nonzero(torch.rand(len(images), generator=draw) < share).flatten():
        dy, dx = torch.randint(0, 3, (2,), generator=draw).tolist()
        out[i] = nn.functional.pad(images[i], (1, 1, 1, 1))[:, dy:dy + 8, dx:dx + 8]
    return out


def train(build, images, labels, args):
    torch.manual_seed(args.seed)
    draw = torch.Generator().manual_seed(args.seed)
    images, labels = torch.tensor(images).float(), torch.tensor(labels).long()
    network = build()
    batches = len(images) // args.batch
    optimizer = torch.optim.Adam(network.parameters(), lr=args.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs * batches)
    for _ in range(args.epochs):
        for pick in torch.randperm(len(images), generator=draw)[:batches * args.batch].view(batches, -1):
            scores = network(moved(images[pick], args.moved, draw))
            # smoothing: without it the scores grow without bound and the signs below stop changing early
            loss = nn.functional.cross_entropy(scores, labels[pick], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            with torch.no_grad():  # a latent weight far outside +-1 could never change its sign again
                for layer in binary_layers(network):
                    layer.weight.clamp_(-1, 1)
    return network.eval()


def export(network, path):
    with torch.no_grad():  # the real numbers behind the signs were needed for training only
        for layer in binary_layers(network):
            layer.weight.copy_(torch.where(layer.weight >= 0, 1.0, -1.0))
    # dynamo=False: the newer exporter writes source paths of the exporting machine into the file
    export_qonnx(network, args=torch.zeros(1, 1, 8, 8), export_path=path, dynamo=False,
                 input_names=["image"], output_names=["scores"], opset_version=13,
                 keep_initializers_as_inputs=False)  # `image` is the only input


def check_weights(path):
    """Number of weights in the written file, each of which must be -1 or +1 with scale 1."""
    graph = onnx.load(path).graph
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    layers = [(stored[n.input[0]], stored[n.input[1]]) for n in graph.node
              if n.op_type == "BipolarQuant" and n.input[0] in stored]
    assert layers and all((np.abs(w) == 1).all() and (scale == 1).all() for w, scale in layers), "weights are not +-1"
    return sum(w.size for w, _ in layers)


def run(path, images):
    """Scores of the qonnx executor, which shares no code with Brevitas, one image at a time."""
    model = ModelWrapper(path).transform(InferShapes())
    return np.concatenate([execute_onnx(model, {"image": i[None].astype(np.float32)})["scores"] for i in images])


def accuracy(scores, labels):
    right = int((scores.argmax(1) == labels).sum())
    return f"{right} of {len(labels)} = {100 * right / len(labels):.2f} %"


def make(build, args, name):
    """Trains what `build` makes, writes it as `name` into args.out and prints its accuracy on the validation part and,
    unless args.no_test, on the test part. Returns the scores of the test part, its images and labels."""
    torch.set_num_threads(1)  # sums split over threads differ in their last bits
    torch.use_deterministic_algorithms(True)
    training, validation, test = split(seed=0)  # --seed must not change the split, else validation compares nothing
    network = train(build, *training, args)

    os.makedirs(args.out, exist_ok=True)
    path = os.path.join(args.out, name)
    export(network, path)
    print(f"{check_weights(path)} weights, all of them -1 or +1")
    print("validation:", accuracy(run(path, validation[0]), validation[1]))
    if args.no_test:
        return None
    scores = run(path, test[0])
    print("test:", accuracy(scores, test[1]))
    return scores.astype(np.float32), *test


def arguments(description, hidden, epochs, batch, rate, moved, seed, seed_help):
    """A parser with the settings every network here has, and their defaults for this one."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--hidden", type=int, nargs="+", default=hidden, help="outputs of each hidden layer")
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--rate", type=float, default=rate)
    parser.add_argument("--moved", type=float, default=moved, help="share of training images moved by one pixel")
    parser.add_argument("--seed", type=int, default=seed, help=seed_help)
    parser.add_argument("--no-test", action="store_true", help="stop after validation: for choosing the settings above")
    return parser
