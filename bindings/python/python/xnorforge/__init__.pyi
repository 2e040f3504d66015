from os import PathLike
from types import TracebackType
from typing import Optional, Tuple, Type, Union, final

import numpy
from numpy.typing import ArrayLike, NDArray

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

_Outputs = Union[NDArray[numpy.float32], NDArray[numpy.int64]]

class Error(Exception):
    """What xnorforge refuses or cannot do."""

    help: str
    """The next step: shown below the message where Python knows notes (3.11)."""
    outputs: Optional[_Outputs]
    """Where it ended `infer` half way: the outputs of the images before, of shape [images done, *output_shape]."""

class AddressError(Error):
    """A text that names no device."""

class DirectoryError(Error):
    """A directory that `xnorforge compile` did not write for a board."""

class ModelError(Error):
    """A model that cannot be imported or lowered."""

class InputError(Error):
    """Images that do not fit the network."""

class DeviceError(Error):
    """A device that is missing, another one, or failed."""

class Interrupted(KeyboardInterrupt):
    """An interrupt (Ctrl-C) during `infer`.

    What another signal's handler raises there goes on as it is, with the same attribute where it has room for one.
    """

    outputs: _Outputs
    """The outputs of the images before the interrupt, of shape [images done, *output_shape]."""

@final
class Counters:
    """What a device has counted since it was reset."""

    @property
    def submitted(self) -> int:
        """Images handed over."""
    @property
    def completed(self) -> int:
        """Answers ready."""
    @property
    def cycles(self) -> int:
        """Clock cycles at work, modulo 2^32."""
    @property
    def line_errors(self) -> int:
        """Bytes that reached the device without a stop bit, modulo 2^16."""
    @property
    def frame_errors(self) -> int:
        """Frames that reached the device broken, modulo 2^16."""

@final
class Statistics:
    """What runs have taken since the device was opened, in time as it passes here."""

    @property
    def images(self) -> int:
        """Images answered."""
    @property
    def latency_p50(self) -> float:
        """Seconds within which half of the images were answered, those before them in the same batch included."""
    @property
    def latency_p99(self) -> float:
        """Seconds within which 99 of 100 images were answered."""
    @property
    def repeated(self) -> int:
        """Frames sent once more, because the line lost something."""

@final
class Device:
    """An open device, for one thread at a time: others wait.

    It belongs to the process that opened it. In one that was forked later it is closed, and refused by a `DeviceError`:
    there, open a device after the fork. The parent's goes on undisturbed.
    """

    @property
    def address(self) -> str: ...
    @property
    def network(self) -> str:
        """Name of the network that it runs."""
    @property
    def slots(self) -> int:
        """Images that it holds at once."""
    @property
    def clock_hertz(self) -> int: ...
    @property
    def input_shape(self) -> Tuple[int, ...]:
        """Shape of an image without a batch axis."""
    @property
    def output_shape(self) -> Tuple[int, ...]:
        """Shape of an image's output."""
    @property
    def closed(self) -> bool:
        """Whether `close` was called, or this process was forked after the device was opened."""
    def infer(self, images: ArrayLike) -> _Outputs:
        """Runs images and gives the network's outputs, bit for bit those of the reference.

        `images` are of uint8, int8 or float32, taken as they are; the leading axis counts them, the others are
        `input_shape`, with or without the model's batch axis. The outputs are float32 scores, or int64 indices where
        the network ends in ArgMax, of shape [images, *output_shape].

        Other threads run meanwhile. Arrays are read a few images at a time, so they may be larger than memory (`mmap_mode`
        of `numpy.load`) and must not be changed; what is no array is made one first.

        Whatever ends it half way carries `outputs`, those of the images before: `Interrupted` on Ctrl-C, noticed within
        about a second or after the image in work; `InputError` for a value that is no number; `DeviceError` where the
        device fails or another thread closes it.
        """
    def counters(self) -> Counters:
        """What the device has counted."""
    @property
    def statistics(self) -> Statistics: ...
    def close(self) -> None:
        """Gives the line back. A run in another thread ends after the image in work, with the outputs so far."""
    def __enter__(self) -> "Device": ...
    def __exit__(
        self,
        _kind: Optional[Type[BaseException]],
        _error: Optional[BaseException],
        _traceback: Optional[TracebackType],
        /,
    ) -> None: ...

@final
class Network:
    """A network on the CPU: a QONNX file, or a directory that `xnorforge compile` wrote."""

    def __new__(cls, path: Union[str, PathLike[str]]) -> "Network": ...
    @property
    def name(self) -> str: ...
    @property
    def input_shape(self) -> Tuple[int, ...]:
        """Shape of an image without a batch axis."""
    @property
    def output_shape(self) -> Tuple[int, ...]:
        """Shape of an image's output."""
    def infer(self, images: ArrayLike) -> _Outputs:
        """Runs images, as `Device.infer` does, on all cores. A forked process may do so too."""

def open(address: str, directory: Optional[Union[str, PathLike[str]]] = None) -> Device:
    """Opens a device and checks that it runs the design of `directory`.

    | `address` | |
    |---|---|
    | `sim:DIR` | the device of a directory compiled for a board, simulated in this process |
    | `uart:PATH[@BAUD]` | a board, or `xnorforge simulate DIR --serve`, on a serial line |
    | `pcie:BDF`, `pcie:FILE` | a card, or the file that stands for its memory |
    """
