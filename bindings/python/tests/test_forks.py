"""Processes forked from one that has used networks and devices."""

import gc
import multiprocessing
import os
import signal
import threading
import time
import traceback

import numpy
import pytest
import xnorforge
from conftest import MODEL

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks"),
    # Python 3.12 warns of forks beside threads, which these tests are about.
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]

FORK = multiprocessing.get_context("fork") if hasattr(os, "fork") else None
SECONDS = 10
# Opening a simulated device and running an image takes some seconds of a processor, which others may use as well.
SIMULATED_SECONDS = 120


def in_child(body, *arguments, seconds=SECONDS):
    """What `body` gives in a forked process, which ends in time."""
    mine, other = FORK.Pipe()

    def child():
        try:
            other.send((True, body(*arguments)))
        except BaseException:
            other.send((False, traceback.format_exc()))

    process = FORK.Process(target=child, daemon=True)
    process.start()
    try:
        assert mine.poll(seconds), "the child must end in time"
        is_well, result = mine.recv()
        process.join(SECONDS)
        assert process.exitcode == 0
    finally:
        process.kill()
    assert is_well, result
    return result


class Busy:
    """A thread that does `work` over and over, from before the block to after it."""

    def __init__(self, work):
        self.work, self.rounds, self.is_over = work, 0, False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.is_over:
            self.work()
            self.rounds += 1

    def __enter__(self):
        self.thread.start()
        while self.rounds == 0:
            time.sleep(0.001)
        return self

    def __exit__(self, *_):
        self.is_over = True
        self.thread.join()


@pytest.fixture(scope="module")
def network(images):
    network = xnorforge.Network(MODEL)
    # Its threads are there before the forks.
    network.infer(images)
    return network


def chain(body, left):
    """Status of a child that calls `body` and then forks the next one, which does the same."""
    process = os.fork()
    if process == 0:
        status = 1
        try:
            signal.alarm(SECONDS)
            if body() and (left == 1 or chain(body, left - 1) == 0):
                status = 0
        finally:
            os._exit(status)
    return os.waitpid(process, 0)[1]


def test_networks_run_in_children_and_in_theirs(network, images, reference):
    """Of more generations than keep their threads from one call to the next."""
    read, write = os.pipe()

    def body():
        is_right = all(numpy.array_equal(network.infer(images[:50]), reference[:50]) for _ in range(2))
        return is_right and os.write(write, b".") == 1

    assert chain(body, 20) == 0
    assert os.read(read, 100) == b"." * 20
    os.close(read)
    os.close(write)
    assert numpy.array_equal(network.infer(images), reference)


def test_a_child_runs_networks_while_its_parent_does(network, images, reference):
    with Busy(lambda: network.infer(images)):
        for _ in range(10):
            assert numpy.array_equal(in_child(network.infer, images), reference)


def test_a_pool_of_workers_shares_a_network(network, images, reference):
    """As a DataLoader does: workers are forked, take indices from a queue and put batches into another one."""
    batches = [list(range(start, min(start + 16, len(images)))) for start in range(0, len(images), 16)]
    indices, results = FORK.Queue(), FORK.Queue()

    def work():
        for number, batch in iter(indices.get, None):
            results.put((number, network.infer(images[batch])))

    with Busy(lambda: network.infer(images[:5])):
        workers = [FORK.Process(target=work, daemon=True) for _ in range(4)]
        for worker in workers:
            worker.start()
    try:
        for item in [*enumerate(batches), None, None, None, None]:
            indices.put(item)
        found = dict(results.get(timeout=SECONDS) for _ in batches)
        for worker in workers:
            worker.join(SECONDS)
            assert worker.exitcode == 0
    finally:
        for worker in workers:
            worker.kill()
    assert numpy.array_equal(numpy.concatenate([found[number] for number in range(len(batches))]), reference)


def test_a_child_opens_a_device_of_its_own(directory, images, reference):
    def open_it():
        with xnorforge.open(f"sim:{directory}") as device:
            return device.infer(images[:1])

    with xnorforge.open(f"sim:{directory}") as mine:
        assert numpy.array_equal(in_child(open_it, seconds=SIMULATED_SECONDS), reference[:1])
        assert mine.counters().submitted == 0


def refused(device, images):
    """A device that the parent opened: every call of a child ends at once, and reaches nothing."""
    told = []
    for call in [
        lambda: device.infer(images[:1]),
        device.counters,
        lambda: device.statistics,
    ]:
        with pytest.raises(xnorforge.DeviceError, match=f"{os.getppid()}.*{os.getpid()}.*forked") as error:
            call()
        told.append(error.value.help)
    assert device.closed and device.network in repr(device) and device.slots > 0
    device.close()
    with device:
        pass
    return told


@pytest.mark.parametrize("kind", ["simulated", "served"])
def test_a_device_stays_with_the_process_that_opened_it(kind, directory, request, images, reference):
    address = f"sim:{directory}" if kind == "simulated" else f"uart:{request.getfixturevalue('served')}"
    with xnorforge.open(address, directory=directory) as device:
        device.infer(images[:1])
        helps = in_child(refused, device, images)
        assert all("open the device in the process that uses it, after the fork" in help for help in helps)
        assert not device.closed
        # Neither a reset nor an image was the child's.
        assert numpy.array_equal(device.infer(images[1:2]), reference[1:2])
        counters = device.counters()
        assert (counters.submitted, counters.completed, counters.frame_errors) == (2, 2, 0)


def test_a_child_collects_its_copy_and_ends_in_peace(directory, served, images, reference):
    holder = [xnorforge.open(f"uart:{served}", directory=directory)]

    def collect():
        holder.clear()
        gc.collect()

    in_child(collect)
    with holder[0] as device:
        assert numpy.array_equal(device.infer(images[:1]), reference[:1])


def test_a_line_is_given_back_while_a_child_lives(directory, served, images, reference):
    address = f"uart:{served}"
    device = xnorforge.open(address, directory=directory)
    runs = FORK.Event()
    child = FORK.Process(target=lambda: (runs.set(), time.sleep(3600)), daemon=True)
    child.start()
    try:
        assert runs.wait(SECONDS)
        device.close()
        with xnorforge.open(address, directory=directory) as device:
            assert numpy.array_equal(device.infer(images[:1]), reference[:1])
        assert child.is_alive()
    finally:
        child.kill()


def test_a_child_opens_the_line_that_its_parent_closes(directory, served, images, reference):
    address = f"uart:{served}"

    def open_it():
        with xnorforge.open(address, directory=directory) as device:
            return device.infer(images[:1])

    with xnorforge.open(address, directory=directory):
        pass
    assert numpy.array_equal(in_child(open_it, seconds=SIMULATED_SECONDS), reference[:1])


def test_forks_beside_a_run_end(directory, images):
    """The lock of the device is held in the parent, and stays so in the children."""
    with xnorforge.open(f"sim:{directory}") as device, Busy(lambda: device.infer(images[:1])):
        for _ in range(4):
            in_child(refused, device, images)
