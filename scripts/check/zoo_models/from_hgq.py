#!/usr/bin/env python3
"""Networks of HGQ2, each element of a type of its own, converted by tf2onnx, for zoo.py.

  from_hgq.py --list             names, one a line
  from_hgq.py FOLDER NAME...     writes model.onnx, input.npy and about.json of each into FOLDER/NAME
"""
import os
import sys

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", TF_ENABLE_ONEDNN_OPTS="0",
                  KERAS_BACKEND="tensorflow")

from drawn import make_all  # noqa: E402

IMAGES = 10
SHAPE = (1, 28, 28)
NETWORKS = ("mlp", "cnn")


def names():
    return [f"hgq_{net}.onnx" for net in NETWORKS]


def network_of(net):
    import keras
    from hgq.config import QuantizerConfigScope
    from hgq.layers import QBatchNormalization, QConv2D, QDense
    with QuantizerConfigScope(place="all", overflow_mode="SAT", round_mode="RND"):
        network = keras.Sequential([keras.Input((28, 28, 1))])
        if net == "cnn":
            for filters in (8, 16):
                network.add(QConv2D(filters, 3, activation="relu"))
                network.add(keras.layers.MaxPooling2D(2))
        network.add(keras.layers.Flatten())
        for units in (32, 32):
            network.add(QDense(units, activation="relu"))
            network.add(QBatchNormalization())
        network.add(QDense(10))
    return network


def make(name, folder):
    import keras
    import numpy as np
    import tensorflow as tf
    import tf2onnx
    from drawn import pixels, put, seed_of, unit
    from from_keras import last
    keras.utils.set_random_seed(seed_of(name) % (1 << 31))
    network = network_of(name.removeprefix("hgq_").removesuffix(".onnx"))
    for count in range(3):
        network(last(unit(pixels(f"{name} calibration {count}", 16, SHAPE))), training=True)
    call = tf.function(lambda image: network(image, training=False))
    signature = [tf.TensorSpec((1, 28, 28, 1), tf.float32, name="image")]
    tf2onnx.convert.from_function(call, signature, opset=13, output_path=os.path.join(folder, "model.onnx"))
    put(folder, np.asarray(last(unit(pixels(name, IMAGES, SHAPE)))), source="HGQ2", form="ONNX, by tf2onnx",
        model="model.onnx", executor="onnxruntime")


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print("\n".join(names()))
    else:
        make_all(make, *sys.argv[1:])
