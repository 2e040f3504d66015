"""Drives FPGA accelerators that xnorforge made, real and simulated, from NumPy arrays.

    import numpy, xnorforge

    with xnorforge.open("uart:/dev/ttyUSB0", directory="out/board") as device:
        scores = device.infer(numpy.load("images.npy"))
"""

from ._native import (
    AddressError,
    Counters,
    Device,
    DeviceError,
    DirectoryError,
    Error,
    InputError,
    ModelError,
    Network,
    Statistics,
    open,
)

# Errors that Rust raises have their own; those that a user's program raises have none.
Error.help = ""

__all__ = [
    "AddressError",
    "Counters",
    "Device",
    "DeviceError",
    "DirectoryError",
    "Error",
    "InputError",
    "ModelError",
    "Network",
    "Statistics",
    "open",
]
