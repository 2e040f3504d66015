"""Arrays in and out, on the CPU engine: devices take them by the same function."""

import threading
from pathlib import Path

import numpy
import onnx
import pytest
import xnorforge
from conftest import IMAGES, MODEL, run


@pytest.fixture(scope="module")
def network():
    return xnorforge.Network(MODEL)


def test_the_cpu_gives_the_scores_of_the_reference(network, images, reference):
    scores = network.infer(images)
    assert scores.dtype == numpy.float32 and scores.shape == (len(images), *network.output_shape)
    assert numpy.array_equal(scores, reference)


def test_a_compiled_directory_is_a_network(directory, images, reference):
    assert numpy.array_equal(xnorforge.Network(str(directory)).infer(images), reference)


def test_layouts_do_not_matter(network, images, reference):
    images, reference = images[:20], reference[:20]
    with_batch_axis = images[:, numpy.newaxis] if images.ndim == 1 + len(network.input_shape) else images
    float32 = images.astype(numpy.float32)
    padded = numpy.zeros((40, *images.shape[1:]), numpy.float32)
    padded[::2] = float32
    bytes_before = numpy.frombuffer(b"x" + float32.tobytes(), numpy.uint8)[1:].view(numpy.float32)
    layouts = {
        "batch axis": with_batch_axis,
        "float32": float32,
        "int8": images.astype(numpy.int8),
        "fortran order": numpy.asfortranarray(float32),
        "every second": padded[::2],
        "backwards": float32[::-1],
        "big-endian": float32.astype(">f4"),
        "unaligned": bytes_before.reshape(images.shape),
    }
    assert (images < 128).all(), "int8 must hold the values"
    for name, layout in layouts.items():
        expected = reference[::-1] if name == "backwards" else reference
        assert numpy.array_equal(network.infer(layout), expected), name


def test_indices_are_integers(tmp_path, network, images):
    """A network that ends in ArgMax gives int64 indices, as the command line does."""
    model = onnx.load(MODEL)
    scores = model.graph.output[0].name
    model.graph.node.append(onnx.helper.make_node("ArgMax", [scores], ["class"], axis=1, keepdims=0))
    model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("class", onnx.TensorProto.INT64, [1]))
    file, written = tmp_path / "classes.onnx", tmp_path / "classes.npy"
    onnx.save(model, file)
    run("run", file, "--input", IMAGES, "--output", written)
    classes = xnorforge.Network(file).infer(images)
    assert classes.dtype == numpy.int64
    assert numpy.array_equal(classes, numpy.load(written))
    assert numpy.array_equal(classes.ravel(), network.infer(images).argmax(axis=1))


@pytest.mark.parametrize(
    "change, word, help",
    [
        (lambda images: images.astype(numpy.float64), "float64", "astype"),
        (lambda images: images.astype(numpy.int64), "int64", "astype"),
        (lambda images: images > 0, "bool", "astype"),
        (lambda images: images.astype(object), "object", "astype"),
        (lambda images: images[0], "shape", "leading axis"),
        (lambda images: images.reshape(len(images), -1, 1, 1, 1), "shape", "leading axis"),
        (lambda images: images[:, ..., :-1], "shape", "leading axis"),
        (lambda images: numpy.float32(3), "shape", "leading axis"),
        (lambda images: images[:0], "at least one image", "leading axis"),
        (lambda images: [images[0], images[0][..., :1]], "numpy.asarray", "numpy.ndarray"),
        (lambda images: "images.npy", "str", "astype"),
    ],
)
def test_what_is_no_array_of_images(network, images, change, word, help):
    with pytest.raises(xnorforge.InputError) as error:
        network.infer(change(images))
    assert word in str(error.value)
    assert help in error.value.help and error.value.outputs is None
    if hasattr(error.value, "__notes__"):
        assert error.value.__notes__ == [f"help: {error.value.help}"]


def test_a_number_is_asked_for_by_its_place(network, images, reference):
    broken = images[:90].astype(numpy.float32)
    broken[77].flat[5] = numpy.nan
    with pytest.raises(xnorforge.InputError, match="image 77: .* index 5 .* NaN") as error:
        network.infer(broken)
    assert numpy.array_equal(error.value.outputs, reference[:77]), "what is before it is not lost"
    assert error.value.outputs.dtype == reference.dtype and error.value.outputs.base is None
    broken[0].flat[0] = numpy.inf
    with pytest.raises(xnorforge.InputError, match="image 0: ") as error:
        network.infer(broken)
    assert error.value.outputs.shape == (0, *network.output_shape)


@pytest.mark.parametrize("element", ["uint8", "int8", "float32"])
def test_large_arrays_run_in_batches(network, images, reference, element):
    """More values than NumPy copies at once, whatever the last batch has."""
    times = (1 << 21) // images.size + 1
    large = numpy.concatenate([images] * times).astype(element)
    assert numpy.array_equal(network.infer(large), numpy.concatenate([reference] * times))


def test_files_need_not_be_loaded(network, images, reference, tmp_path):
    numpy.save(tmp_path / "images.npy", images)
    assert numpy.array_equal(network.infer(numpy.load(tmp_path / "images.npy", mmap_mode="r")), reference)


def test_several_threads_share_a_network(network, images, reference):
    found = [None] * 4

    def run(place):
        found[place] = network.infer(images[place:])

    threads = [threading.Thread(target=run, args=[place]) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(numpy.array_equal(scores, reference[place:]) for place, scores in enumerate(found))


def test_what_is_no_network(tmp_path):
    for path in [tmp_path / "none.onnx", __file__]:
        with pytest.raises(xnorforge.ModelError) as error:
            xnorforge.Network(path)
        assert Path(path).stem in str(error.value) and error.value.help.strip()
    with pytest.raises(xnorforge.DirectoryError) as error:
        xnorforge.Network(tmp_path)
    assert error.value.help.strip()
