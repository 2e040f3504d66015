"""What the tests share: the program, the network, a compiled directory."""

import os
import subprocess
from pathlib import Path

import numpy
import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = Path(os.environ.get("XNORFORGE", ROOT / "target/release/xnorforge"))
MODEL = ROOT / "models/digits/digits_mlp.onnx"
IMAGES = ROOT / "models/digits/test_images.npy"


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], check=True, capture_output=True, text=True)


@pytest.fixture(scope="session")
def images():
    return numpy.load(IMAGES)


@pytest.fixture(scope="session")
def directory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compiled") / "digits"
    # A slow clock has few cycles in a bit of the line: rust-hdl simulates each.
    run("compile", MODEL, "-o", folder, "--board", "ulx3s-85f", "--clock", 5)
    return folder


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    """The scores of the definition, from the command line."""
    file = tmp_path_factory.mktemp("reference") / "scores.npy"
    run("run", MODEL, "--input", IMAGES, "--on", "reference", "--output", file)
    return numpy.load(file)


@pytest.fixture
def card(tmp_path):
    """A directory compiled for no board, and the file of its card, simulated in another process."""
    run("compile", MODEL, "-o", tmp_path / "core")
    command = [PROGRAM, "simulate", tmp_path / "core", "--serve", "--bar", tmp_path / "bar"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        line = process.stdout.readline()
        assert " served in " in line, line
        yield tmp_path / "core", tmp_path / "bar"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def served(directory):
    """The directory's board, simulated in another process; its serial line."""
    command = [PROGRAM, "simulate", directory, "--serve"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        assert " answers on " in line, line
        yield line.split(" answers on ")[1].split()[0]
    finally:
        process.kill()
        process.wait()


def pytest_terminal_summary(terminalreporter):
    count = lambda *kinds: sum(len(terminalreporter.stats.get(kind, [])) for kind in kinds)
    terminalreporter.write_line(f"{count('passed')} passed, {count('failed', 'error')} failed")
