#!/usr/bin/env python3
"""Checks the cores for systems on a chip in a compiled directory, with tools that know nothing of xnorforge.

Each core is simulated in Icarus Verilog under cocotb, whose AXI masters, sources and sinks drive whole images through it
(soc_bench.py). FuseSoC resolves the description and runs its lint targets. LiteX builds a system around each interface,
whose Verilog must pass Verilator's lint together with the core. The card with LitePCIe is elaborated for a Sqrl Acorn.

    soc.py out/digits [--keep DIR]

Needs the packages of scripts/requirements.txt in the Python that runs it; iverilog and verilator in the path.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOPS = ["xnorforge_axi_stream", "xnorforge_axi_lite", "xnorforge_wishbone"]
INTERFACES = ["wishbone", "axi-lite", "axi-stream"]
failures = []


def check(what, function, *arguments):
    try:
        function(*arguments)
        print(f"ok   {what}")
    except Exception as error:
        failures.append(what)
        print(f"FAIL {what}\n{error}")


def run(command, **options):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {result.returncode}:\n{result.stdout}")
    return result.stdout


def simulate(folder, work, top):
    from cocotb_tools.check_results import get_results
    from cocotb_tools.runner import get_runner

    runner = get_runner("icarus")
    build = work / top
    build.mkdir(parents=True)
    for memory in (folder / "rtl").glob("*.mem"):
        shutil.copy(memory, build)
    runner.build(
        sources=[folder / "rtl/xnorforge_core.v", folder / "soc/xnorforge_soc.v"],
        hdl_toplevel=top,
        build_dir=build,
        timescale=("1ns", "1ps"),
        log_file=build / "build.log",
    )
    environment = {"XNORFORGE_DIR": str(folder), "XNORFORGE_TOP": top, "COCOTB_LOG_LEVEL": "WARNING"}
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    results = runner.test(
        test_module="soc_bench", hdl_toplevel=top, build_dir=build, test_dir=build, extra_env=environment,
        log_file=build / "test.log",
    )
    tests, failed = get_results(results)
    if tests == 0 or failed:
        raise RuntimeError(f"{failed} of {tests} tests failed\n{(build / 'test.log').read_text()[-4000:]}")


def fusesoc(folder, work):
    environment = {**os.environ, "XDG_CACHE_HOME": str(work), "XDG_CONFIG_HOME": str(work), "XDG_DATA_HOME": str(work)}
    program = [sys.executable, "-m", "fusesoc.main", "--cores-root", str(folder)]
    listed = run([*program, "core", "list"], cwd=work, env=environment)
    name, = [word for line in listed.splitlines() for word in line.split()[:1] if word.startswith("xnorforge:designs:")]
    print(f"     {name}")
    shown = run([*program, "core", "show", name], cwd=work, env=environment)
    for top in TOPS:
        if f"lint_{top}" not in shown:
            raise RuntimeError(f"no target lint_{top}:\n{shown}")
        run([*program, "run", "--build-root", str(work / top), "--target", f"lint_{top}", name], cwd=work, env=environment)


# Runs in a process of its own: LiteX keeps state in its modules.
LITEX = '''
import sys
from pathlib import Path
folder, build, interface = sys.argv[1:]
sys.path.insert(0, folder + "/soc")
from migen import *
from litex.build.generic_platform import Pins, Subsignal
from litex.build.sim import SimPlatform
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCMini
from xnorforge_litex import Xnorforge

class Platform(SimPlatform):
    def __init__(self):
        uart = [Subsignal("tx", Pins(1)), Subsignal("rx", Pins(1))]
        SimPlatform.__init__(self, "SIM", [("sys_clk", 0, Pins(1)), ("sys_rst", 0, Pins(1)), ("uart", 0, *uart)])

class System(SoCMini):
    def __init__(self, platform):
        SoCMini.__init__(self, platform, clk_freq=int(1e8), uart_name="stub", with_timer=True, ident="xnorforge")
        self.clock_domains.cd_sys = ClockDomain()
        self.comb += [self.cd_sys.clk.eq(platform.request("sys_clk")), self.cd_sys.rst.eq(platform.request("sys_rst"))]
        # A master for the bus, so that the system does not end at its slaves.
        self.add_uartbone(uart_name="uart")
        self.xnorforge = Xnorforge(platform, interface=interface, with_irq=True)
        region = SoCRegion(origin=0x30000000, size=Xnorforge.SIZE, cached=False)
        self.bus.add_slave("xnorforge", self.xnorforge.bus, region)
        if interface == "axi-stream":
            # What comes out goes round, cut or padded: only the wiring is of interest.
            self.comb += [
                self.xnorforge.sink.valid.eq(self.xnorforge.source.valid),
                self.xnorforge.sink.data.eq(Cat(self.xnorforge.source.data, Constant(0, 1024))[: len(self.xnorforge.sink.data)]),
                self.xnorforge.sink.last.eq(self.xnorforge.source.last),
                self.xnorforge.source.ready.eq(self.xnorforge.sink.ready),
            ]

platform = Platform()
system = System(platform)
system.finalize()
platform.get_verilog(system.get_fragment(), name="system").write(build + "/system.v")
Path(build, "sources").write_text("\\n".join(source[0] for source in platform.sources))
assert system.bus.regions["xnorforge"].origin == 0x30000000
'''


def check_instance(verilog, top):
    """A system must have an instance of the top, which finds its memories from anywhere."""
    found = re.search(rf"\b{top} #\(\s*\.MEM_DIR\s*\(\"/.*?\"\)\s*\) {top} ?\(", verilog.read_text(), re.S)
    if not found:
        raise RuntimeError(f"the system has no instance of {top} with the folder of its memories")


def litex(folder, work, interface):
    build = work / f"litex_{interface}"
    build.mkdir(parents=True)
    run([sys.executable, "-c", LITEX, str(folder), str(build), interface], cwd=build)
    sources = (build / "sources").read_text().split("\n")
    top = f"xnorforge_{interface.replace('-', '_')}"
    check_instance(build / "system.v", top)
    # The system's own style is LiteX's affair: what matters is that every port fits. Memories must be found from anywhere.
    lint = ["verilator", "--lint-only", "-Wall", "--top-module", "system", str(folder / "soc/waivers.vlt"), "system.v"]
    complaints = run([*lint, "-Wno-fatal", *sources], cwd=build)
    bad = [line for line in complaints.splitlines() if line.startswith("%") and any(
        kind in line for kind in ["Error", "PIN", "WIDTH", "UNDRIVEN", "IMPLICIT", "MULTIDRIVEN", "readmem"]
    ) and ("xnorforge" in line or "Error" in line)]
    if bad:
        raise RuntimeError("\n".join(bad))
    script = "; ".join(f"read_verilog -sv {source}" for source in ["system.v", *sources])
    if shutil.which("yosys"):
        run(["yosys", "-q", "-p", f"{script}; hierarchy -check -top system; proc; memory_collect"], cwd=build)


# The Acorn as it goes to Vivado, up to the hard block.
ACORN = '''
import sys
folder, build = sys.argv[1:]
sys.path.insert(0, folder + "/soc")
from xnorforge_litepcie import acorn
from litex.soc.integration.builder import Builder
system = acorn("cle-215+")
Builder(system, output_dir=build, compile_software=False).build(run=False)
tcl = "".join(system.platform.toolchain.pre_synthesis_commands)
assert "CONFIG.Bar0_Size {{32}}" in tcl and "CONFIG.Bar0_Scale {{Megabytes}}" in tcl, tcl
'''

def litepcie(folder, work):
    build = work / "acorn"
    build.mkdir(parents=True)
    run([sys.executable, "-c", ACORN, str(folder), str(build)], cwd=build)
    verilog, = build.glob("gateware/*.v")
    check_instance(verilog, "xnorforge_wishbone")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path, help="directory written by `xnorforge compile`")
    parser.add_argument("--keep", type=Path, help="keep what is built in this new directory")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    with tempfile.TemporaryDirectory() as temporary:
        work = (arguments.keep or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        for top in TOPS:
            check(f"images through {top} in Icarus, driven by cocotb", simulate, folder, work, top)
        check("FuseSoC: description and lint of every top", fusesoc, folder, work)
        for interface in INTERFACES:
            check(f"LiteX: a system with {interface}, its Verilog in Verilator and yosys", litex, folder, work, interface)
        check("LitePCIe: a Sqrl Acorn, elaborated", litepcie, folder, work)
    if failures:
        sys.exit(f"{len(failures)} checks failed: {', '.join(failures)}")


if __name__ == "__main__":
    main()
