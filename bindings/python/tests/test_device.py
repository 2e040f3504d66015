import os
import signal
import sys
import threading
import time

import numpy
import pytest
import xnorforge
from conftest import MODEL, ROOT, run


def test_a_simulated_device_gives_the_scores_of_the_reference(directory, images, reference):
    with xnorforge.open(f"sim:{directory}") as device:
        scores = device.infer(images[:2])
        assert scores.dtype == numpy.float32 and scores.flags.writeable
        assert numpy.array_equal(scores, reference[:2])
        counters = device.counters()
        assert (counters.submitted, counters.completed, counters.line_errors) == (2, 2, 0)
        assert counters.cycles > 0
        assert device.statistics.images == 2 and device.statistics.latency_p50 > 0


def test_a_device_says_what_it_is(directory, images, reference):
    device = xnorforge.open(f"sim:{directory}")
    assert device.address == f"sim:{directory}"
    assert device.network == xnorforge.Network(directory).name
    assert device.input_shape == images.shape[1:]
    assert device.output_shape == reference.shape[1:]
    assert device.slots >= 1
    assert device.clock_hertz == 5_000_000
    assert device.network in repr(device)


def test_a_closed_device_says_so(directory, images):
    with xnorforge.open(f"sim:{directory}") as device:
        assert not device.closed
    assert device.closed
    device.close()
    with pytest.raises(xnorforge.DeviceError, match="was closed") as error:
        device.infer(images[:1])
    assert "open it again" in error.value.help
    with pytest.raises(xnorforge.DeviceError):
        device.counters()


def test_two_simulations_of_a_directory_are_two_devices(directory, images, reference):
    with xnorforge.open(f"sim:{directory}") as first, xnorforge.open(f"sim:{directory}") as second:
        assert numpy.array_equal(first.infer(images[:1]), reference[:1])
        assert numpy.array_equal(second.infer(images[1:2]), reference[1:2])
        assert first.counters().completed == second.counters().completed == 1


def test_a_serial_line_leads_to_a_device_once(directory, served, images, reference):
    address = f"uart:{served}"
    with xnorforge.open(address, directory=directory) as device:
        assert numpy.array_equal(device.infer(images[:1]), reference[:1])
        with pytest.raises(xnorforge.DeviceError) as error:
            xnorforge.open(address, directory=directory)
        assert served in str(error.value) and error.value.help
    xnorforge.open(address, directory=str(directory)).close()


def test_a_card_that_goes_away_is_an_error_and_no_end_of_the_process(card, images, reference):
    directory, bar = card
    device = xnorforge.open(f"pcie:{bar}", directory=directory)
    assert numpy.array_equal(device.infer(images[:1]), reference[:1])
    os.truncate(bar, 0)
    for _ in range(2):
        with pytest.raises(xnorforge.DeviceError, match="has gone away") as error:
            device.infer(images)
        assert "truncated" in error.value.help
    device.close()


def test_another_directory_is_another_design(directory, tmp_path):
    other = tmp_path / "other"
    run("compile", ROOT / "models/digits/digits_conv.onnx", "-o", other, "--board", "ulx3s-85f")
    with pytest.raises(xnorforge.DeviceError, match="must run the design") as error:
        xnorforge.open(f"sim:{directory}", directory=other)
    assert "directory" in error.value.help


def test_other_threads_run_while_a_device_works(directory, images):
    ticks, done = [0], threading.Event()

    def tick():
        while not done.is_set():
            ticks[0] += 1
            time.sleep(0.001)

    with xnorforge.open(f"sim:{directory}") as device:
        thread = threading.Thread(target=tick)
        thread.start()
        before = ticks[0]
        device.infer(images[:1])
        counted = ticks[0] - before
        done.set()
        thread.join()
    # Simulating an image takes hundreds of milliseconds; were the interpreter held, there would be no tick at all.
    assert counted >= 5


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_an_interrupt_ends_a_run_and_leaves_the_device_usable(directory, images, reference):
    with xnorforge.open(f"sim:{directory}") as device:
        timer = threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            device.infer(images[:40])
        timer.join()
        assert device.statistics.images < 40, "the run must end early"
        assert numpy.array_equal(device.infer(images[:1]), reference[:1])


@pytest.mark.parametrize(
    "address, kind",
    [
        ("", xnorforge.AddressError),
        ("uart:", xnorforge.AddressError),
        ("/dev/ttyUSB0", xnorforge.AddressError),
        ("telnet:board", xnorforge.AddressError),
        ("uart:/dev/ttyUSB0@fast", xnorforge.AddressError),
        ("uart:/no/such/line", xnorforge.DeviceError),
        ("sim:/no/such/directory", xnorforge.DirectoryError),
    ],
)
def test_addresses_that_lead_nowhere(directory, address, kind):
    with pytest.raises(kind) as error:
        if address.startswith("sim:"):
            xnorforge.open(address)
        else:
            xnorforge.open(address, directory=directory)
    assert type(error.value) is kind and isinstance(error.value, xnorforge.Error)
    assert error.value.help.strip()


def test_what_opening_needs():
    with pytest.raises(xnorforge.DirectoryError, match="directory") as error:
        xnorforge.open("uart:/dev/ttyUSB0")
    assert "directory=DIR" in error.value.help
    with pytest.raises(TypeError):
        xnorforge.open(7)


def test_a_core_alone_is_no_device(tmp_path):
    run("compile", MODEL, "-o", tmp_path / "core")
    with pytest.raises(xnorforge.DirectoryError, match="core alone") as error:
        xnorforge.open(f"sim:{tmp_path / 'core'}")
    assert "--board" in error.value.help
