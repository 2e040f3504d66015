#!/usr/bin/env python3
"""Keras classifiers, converted to int8 TFLite, and that by tf2onnx to ONNX, for zoo.py.

  from_keras.py --list             names, one a line
  from_keras.py FOLDER NAME...     writes model.tflite or model.onnx, input.npy and about.json of each into FOLDER/NAME
"""
import os
import sys

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", TF_ENABLE_ONEDNN_OPTS="0")

from drawn import make_all  # noqa: E402

IMAGES = 10
NETWORKS = {"mlp": (1, 28, 28), "cnn": (1, 28, 28), "residual": (3, 32, 32), "separable": (3, 32, 32),
            "mobilenet": (3, 64, 64), "mobilenet_v2": (3, 64, 64), "shortcuts": (3, 32, 32)}
FORMS = {"tflite": "TFLite int8", "onnx": "QDQ, by tf2onnx from TFLite int8"}


def names():
    return [f"keras_{net}.{form}" for net in NETWORKS for form in FORMS]


def network_of(net, shape):
    import keras
    from keras import layers
    channels, height, width = shape
    if net in ("mobilenet", "mobilenet_v2"):
        known = keras.applications
        maker, alpha = (known.MobileNet, 0.25) if net == "mobilenet" else (known.MobileNetV2, 0.35)
        return maker(input_shape=(height, width, channels), alpha=alpha, weights=None, classes=10)
    x = image = keras.Input((height, width, channels))

    def norm(x):
        return layers.ReLU(6.0 if net == "separable" else None)(layers.BatchNormalization()(x))

    if net == "mlp":
        x = layers.Flatten()(x)
        for units in (64, 64):
            x = layers.Dense(units, activation="relu")(x)
    elif net == "cnn":
        for filters in (8, 16, 16):
            x = layers.MaxPooling2D()(norm(layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)))
        x = layers.Flatten()(x)
    elif net == "residual":
        x = norm(layers.Conv2D(16, 3, padding="same", use_bias=False)(x))
        for filters, stride in ((16, 1), (32, 2)):
            y = norm(layers.Conv2D(filters, 3, stride, padding="same", use_bias=False)(x))
            y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same", use_bias=False)(y))
            if stride > 1:
                x = layers.Conv2D(filters, 1, stride, padding="same")(x)
            x = layers.ReLU()(layers.Add()([x, y]))
        x = layers.GlobalAveragePooling2D()(x)
    elif net == "separable":
        x = norm(layers.Conv2D(8, 3, 2, padding="same", use_bias=False)(x))
        for filters in (16, 32):
            x = norm(layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x))
            x = norm(layers.Conv2D(filters, 1, use_bias=False)(x))
        x = layers.Flatten()(layers.AveragePooling2D(4)(x))
    else:  # what is left of the operators that classifiers have
        x = norm(layers.Conv2D(8, 3, padding="valid", use_bias=False)(layers.ZeroPadding2D(1)(x)))
        x = layers.Concatenate()([x, layers.LeakyReLU(0.125)(layers.Conv2D(8, 1)(x))])
        x = layers.MaxPooling2D(3, 2, padding="same")(x)
        # No UpSampling2D: it becomes a Tile that TFLite's reference kernels do not have.
        x = layers.Conv2DTranspose(8, 2, 2)(layers.Conv2D(8, 3, 2, padding="same", activation="relu6")(x))
        x = layers.Flatten()(layers.AveragePooling2D(2)(x))
    return keras.Model(image, layers.Dense(10, activation="softmax")(x))


def last(images):
    """Channels last, as Keras has them."""
    import numpy as np
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1))


def settle(network, name, shape):
    """Draws the terms of batch norms, and runs images for running statistics."""
    import keras
    import numpy as np
    from drawn import pixels, seed_of, unit
    rng = np.random.default_rng(seed_of(name))
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in norms:
        size = layer.gamma.shape
        layer.gamma.assign(rng.uniform(0.5, 1.5, size))
        layer.beta.assign(0.3 * rng.normal(size=size))
    for count in range(3):
        for layer in norms:
            layer.momentum = count / (count + 1)
        network(last(unit(pixels(f"{name} calibration {count}", 16, shape))), training=True)


def converted(network, name, shape):
    """The network as a TFLite file of int8, calibrated on drawn images."""
    import tensorflow as tf
    from drawn import pixels, unit
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    images = last(unit(pixels(f"{name} calibration", 16, shape)))
    converter.representative_dataset = lambda: ([image[None]] for image in images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def make(name, folder):
    import keras
    import numpy as np
    import tensorflow as tf
    from drawn import pixels, put, seed_of, unit
    keras.utils.set_random_seed(seed_of(name) % (1 << 31))
    net, form = name.removeprefix("keras_").split(".")
    shape = NETWORKS[net]
    network = network_of(net, shape)
    settle(network, name, shape)
    path = os.path.join(folder, "model.tflite")
    with open(path, "wb") as file:
        file.write(converted(network, name, shape))
    interpreter = tf.lite.Interpreter(path)
    scale, zero = interpreter.get_input_details()[0]["quantization"]
    images = np.clip(np.round(last(unit(pixels(name, IMAGES, shape))) / scale) + zero, -128, 127).astype(np.int8)
    if form == "onnx":
        import tf2onnx
        tf2onnx.convert.from_tflite(path, opset=13, output_path=os.path.join(folder, "model.onnx"))
        os.remove(path)
    put(folder, images, source="Keras", form=FORMS[form], model=f"model.{form}",
        executor="TFLite reference kernels" if form == "tflite" else "onnxruntime")


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print("\n".join(names()))
    else:
        make_all(make, *sys.argv[1:])
