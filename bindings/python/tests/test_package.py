import re
import runpy
import subprocess
import sys
from pathlib import Path

import xnorforge
from conftest import ROOT


def test_the_notebook_runs(capsys):
    runpy.run_path(str(ROOT / "bindings/python/examples/digits.py"))
    text = capsys.readouterr().out
    right, count = re.search(r"([\d.]+)% of (\d+) digits are right", text).groups()
    assert float(right) > 95 and int(count) == 450
    assert "6 images in" in text and "every score equals the CPU's" in text


def test_the_hints_are_those_of_the_module(tmp_path):
    """mypy compares the hints with what is there, and checks a user's program against them."""
    stubtest = [sys.executable, "-m", "mypy.stubtest", "xnorforge", "--ignore-missing-stub"]
    result = subprocess.run(stubtest, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_package_is_the_one_installed():
    assert (Path(xnorforge.__file__).parent / "py.typed").exists()
    assert not Path(xnorforge.__file__).is_relative_to(ROOT / "bindings")
    assert set(xnorforge.__all__) == {name for name in vars(xnorforge) if name[0] != "_"}
