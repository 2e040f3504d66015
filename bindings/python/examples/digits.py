# %% [markdown]
# # Handwritten digits on a simulated FPGA
#
# A network is compiled for a board, its device is simulated in this process, and the scores are compared with the CPU's.
# Needs `pip install` of this package, and the program: `cargo build --release`. On a board, only the address changes.

# %%
import os
import subprocess
import tempfile
from pathlib import Path

import numpy
import xnorforge

root = Path(__file__).resolve().parents[3]
model = root / "models/digits/digits_mlp.onnx"
images = numpy.load(root / "models/digits/test_images.npy")
labels = numpy.load(root / "models/digits/test_labels.npy")

# %% Compile for a ULX3S
program = os.environ.get("XNORFORGE", root / "target/release/xnorforge")
directory = Path(tempfile.mkdtemp()) / "digits"
subprocess.run([program, "compile", model, "-o", directory, "--board", "ulx3s-85f"], check=True, capture_output=True)

# %% The whole test set on the CPU
network = xnorforge.Network(model)
on_cpu = network.infer(images)
print(f"{network.name}: {numpy.mean(on_cpu.argmax(axis=1) == labels):.2%} of {len(images)} digits are right")

# %% Which digit is taken for which: rows are labels, columns answers
confusion = numpy.zeros((10, 10), int)
numpy.add.at(confusion, (labels, on_cpu.argmax(axis=1)), 1)
print(confusion)

# %% Some of them on the device: about half a second an image, because every clock cycle is simulated
some = images[:6]
# On a board: xnorforge.open("uart:/dev/ttyUSB0", directory=directory)
with xnorforge.open(f"sim:{directory}") as device:
    on_device = device.infer(some)
    counters = device.counters()
    print(f"{counters.completed} images in {counters.cycles} cycles at {device.clock_hertz / 1e6:g} MHz")

# %% The hardware computes what the network says, bit for bit
assert numpy.array_equal(on_device, on_cpu[: len(some)])
print("every score equals the CPU's")
