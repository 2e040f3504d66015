"""Drives FPGA accelerators that xnorforge made, real and simulated, from NumPy arrays.

    import numpy, xnorforge

    with xnorforge.open("uart:/dev/ttyUSB0", directory="out/board") as device:
        scores = device.infer(numpy.load("images.npy"))
"""

import os as _os

import numpy as _numpy

from ._native import (
    AddressError,
    Counters,
    Device,
    DeviceError,
    DirectoryError,
    Error,
    InputError,
    Interrupted,
    ModelError,
    Network,
    Statistics,
    _after_fork,
    open,
)

# Errors that Rust raises have their own; those that a user's program raises have these.
Error.help = ""
Error.outputs = None
Interrupted.outputs = _numpy.empty(0, _numpy.float32)

# Absent where processes cannot be forked.
if hasattr(_os, "register_at_fork"):
    _os.register_at_fork(after_in_child=_after_fork)

__all__ = [
    "AddressError",
    "Counters",
    "Device",
    "DeviceError",
    "DirectoryError",
    "Error",
    "InputError",
    "Interrupted",
    "ModelError",
    "Network",
    "Statistics",
    "open",
]
