#!/usr/bin/env python3
"""What the independent executor makes of the images of a model of zoo.py.

  execute.py COUNT FOLDER...     writes output.npy of each FOLDER, for the first COUNT of its images

Operators compute in float32 as the file has them, one by one: onnxruntime without its own fusions; of TFLite the
reference kernels.
"""
import json
import os
import sys
import warnings

import numpy as np


def by_onnxruntime(path):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda image: session.run(None, {name: image})[0]


def by_qonnx(path):
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.util.cleanup import cleanup_model
    model = cleanup_model(ModelWrapper(path))
    entry, leave = model.graph.input[0].name, model.graph.output[0].name
    return lambda image: execute_onnx(model, {entry: image})[leave]


def by_tflite(path):
    import tensorflow as tf
    interpreter = tf.lite.Interpreter(
        path, num_threads=1, experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    entry, leave = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def infer(image):
        interpreter.set_tensor(entry, image)
        interpreter.invoke()
        return interpreter.get_tensor(leave)
    return infer


EXECUTORS = {"onnxruntime": by_onnxruntime, "qonnx": by_qonnx, "TFLite reference kernels": by_tflite}


def execute(folder, count):
    """Goes on behind the images that are done."""
    with open(os.path.join(folder, "about.json")) as file:
        about = json.load(file)
    path, images = os.path.join(folder, "output.npy"), np.load(os.path.join(folder, "input.npy"))
    outputs = list(np.load(path)) if os.path.exists(path) else []
    if len(outputs) >= count:
        return
    infer = EXECUTORS[about["executor"]](os.path.join(folder, about["model"]))
    for image in images[len(outputs):count]:
        outputs.append(infer(image[None])[0])
    # Its name ends in .npy, else NumPy appends that.
    np.save(path + ".new.npy", np.stack(outputs))
    os.replace(path + ".new.npy", path)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for folder in sys.argv[2:]:
        try:
            execute(folder, int(sys.argv[1]))
        except Exception as fault:  # of any of the executors: the other models are still to be run
            print(f"{folder}: {type(fault).__name__}: {' '.join(str(fault).split())[:300]}", file=sys.stderr)
