"""Runs a written file with the qonnx executor, which shares no code with the training."""
import numpy as np
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.change_batchsize import ChangeBatchSize
from qonnx.transformation.infer_shapes import InferShapes


def scores(path, images, batch=None):
    """Scores [n, 10] of n images, computed `batch` at a time; all at once where None."""
    batch = len(images) if batch is None else batch
    model = ModelWrapper(path).transform(ChangeBatchSize(batch)).transform(InferShapes())
    images = images.astype(np.float32).reshape(-1, batch, 1, 8, 8)
    return np.concatenate([execute_onnx(model, {"image": chunk})["scores"] for chunk in images])


def correct(scores, labels):
    """How many of the largest scores, the first where several are equal, stand at the label."""
    return int((scores.argmax(1) == labels).sum())


def weights(path):
    """What reaches each Conv and MatMul as weights, quantisers applied and outputs first, by the node's name."""
    model = ModelWrapper(path).transform(InferShapes())
    found = execute_onnx(model, {"image": np.zeros((1, 1, 8, 8), np.float32)}, return_full_exec_context=True)
    products = {"Conv": lambda w: w, "MatMul": np.transpose}
    return {node.name: products[node.op_type](found[node.input[1]])
            for node in model.graph.node if node.op_type in products}
