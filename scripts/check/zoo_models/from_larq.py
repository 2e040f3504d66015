#!/usr/bin/env python3
"""Networks of Larq and of QKeras, converted by tf2onnx, for zoo.py.

  from_larq.py --list             names, one a line
  from_larq.py FOLDER NAME...     writes model.onnx, input.npy and about.json of each into FOLDER/NAME
"""
import os
import sys

# Both packages are for the second version of Keras.
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", TF_ENABLE_ONEDNN_OPTS="0",
                  TF_USE_LEGACY_KERAS="1")

from drawn import make_all  # noqa: E402

IMAGES = 10
SHAPE = (1, 28, 28)
NETWORKS = ("larq_mlp", "larq_cnn", "qkeras_mlp", "qkeras_cnn")


def names():
    return [f"{net}.onnx" for net in NETWORKS]


def larq_network(net, keras):
    """Larq's own example for MNIST, or a multi-layer perceptron: all but the image binarised."""
    import larq
    binary = {"kernel_quantizer": "ste_sign", "kernel_constraint": "weight_clip", "use_bias": False}
    layers, norm = keras.layers, lambda: keras.layers.BatchNormalization(scale=False)
    network = keras.Sequential([keras.Input((28, 28, 1))])
    if net == "larq_mlp":
        network.add(layers.Flatten())
        for units in (64, 64, 10):
            network.add(larq.layers.QuantDense(units, input_quantizer=None if units == 64 and len(network.layers) == 1
                                               else "ste_sign", **binary))
            network.add(norm())
        return network
    for number, filters in enumerate((16, 32, 32)):
        network.add(larq.layers.QuantConv2D(filters, 3, input_quantizer="ste_sign" if number else None, **binary))
        if number < 2:
            network.add(layers.MaxPooling2D(2))
        network.add(norm())
    network.add(layers.Flatten())
    for units in (32, 10):
        network.add(larq.layers.QuantDense(units, input_quantizer="ste_sign", **binary))
        network.add(norm())
    return network


def qkeras_network(net, keras):
    """After hls4ml's tutorials: weights of 4 bits, activations of 4, the image of 8."""
    import qkeras
    bits = {"kernel_quantizer": "quantized_bits(4,0,alpha=1)", "bias_quantizer": "quantized_bits(8,2,alpha=1)"}
    layers = keras.layers
    network = keras.Sequential([keras.Input((28, 28, 1)), qkeras.QActivation("quantized_bits(8,0,alpha=1)")])
    if net == "qkeras_cnn":
        for filters in (8, 16):
            network.add(qkeras.QConv2D(filters, 3, **bits))
            network.add(layers.BatchNormalization())
            network.add(qkeras.QActivation("quantized_relu(4,2)"))
            network.add(layers.MaxPooling2D(2))
    network.add(layers.Flatten())
    for units in (64, 32):
        network.add(qkeras.QDense(units, **bits))
        network.add(layers.BatchNormalization())
        network.add(qkeras.QActivation("quantized_relu(4,2)"))
    network.add(qkeras.QDense(10, **bits))
    return network


def make(name, folder):
    import numpy as np
    import tensorflow as tf
    import tf2onnx
    from drawn import UNIT_PIXELS, pixels, put, seed_of, unit
    from from_keras import last
    keras = tf.keras
    keras.utils.set_random_seed(seed_of(name) % (1 << 31))
    net = name.removesuffix(".onnx")
    network = (larq_network if net.startswith("larq") else qkeras_network)(net, keras)
    rng = np.random.default_rng(seed_of(name))
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.beta.assign(0.3 * rng.normal(size=layer.beta.shape))
    for count in range(3):
        for layer in norms:
            layer.momentum = count / (count + 1)
        network(last(unit(pixels(f"{name} calibration {count}", 16, SHAPE))), training=True)
    # qonnx, which had a converter of its own for QKeras, has none any more.
    call = tf.function(lambda image: network(image, training=False))
    signature = [tf.TensorSpec((1, 28, 28, 1), tf.float32, name="image")]
    tf2onnx.convert.from_function(call, signature, opset=13, output_path=os.path.join(folder, "model.onnx"))
    put(folder, last(unit(pixels(name, IMAGES, SHAPE))), source="Larq" if net.startswith("larq") else "QKeras",
        form="ONNX, by tf2onnx", model="model.onnx", executor="onnxruntime",
        options=UNIT_PIXELS if net.startswith("larq") else [])


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print("\n".join(names()))
    else:
        make_all(make, *sys.argv[1:])
