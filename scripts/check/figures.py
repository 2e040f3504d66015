#!/usr/bin/env python3
"""Dumps every figure that planning states, for all models at hand, and compares two dumps.

    python3 scripts/check/figures.py dump FILE    compiles each model for each board in each mode, writes one line for each
    python3 scripts/check/figures.py diff A B     prints the figures that differ; exit status 1 where there are any

A line is a JSON object: model, board, mode, and either the report of the plan (stages, foldings, cycles, datapaths,
memory kinds, streams, queues, interval, latency, estimates) and a hash of the Verilog, or the first line of the refusal.
A change of the planner's inside that should change no behaviour is held to an empty diff.

Models: models/digits, models/methods, models/qdq, and where they are at hand those of the acceptance check
(`--models`, by default ../shared/models).
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOARDS = ["arty-a7-100t", "ice40-hx8k", "icebreaker", "orangecrab-25f", "tang-nano-9k", "ulx3s-85f"]
MODES = {"default": [], "max": ["--max"], "writable": ["--writable-weights"]}


def models(shared):
    """All model files, in a fixed order."""
    folders = [ROOT / "models" / name for name in ["digits", "methods", "qdq"]]
    if shared.is_dir():
        folders += [shared, shared / "mlperf_tiny"]
    return [path for folder in folders for path in sorted(folder.glob("*.onnx"))]


def figures(binary, model, board, mode):
    """The report of one plan, or why there is none."""
    key = {"model": f"{model.parent.name}/{model.stem}", "board": board, "mode": mode}
    with tempfile.TemporaryDirectory() as folder:
        command = [binary, "compile", str(model), "-o", f"{folder}/out", "--board", board, *MODES[mode]]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
            # Behind the error's code comes its text.
            return {**key, "refused": lines[1] if len(lines) > 1 else done.stderr}
        written = {name: json.loads(pathlib.Path(folder, "out", name).read_text()) for name in ["report.json", "manifest.json"]}
        return {**key, "report": written["report.json"], "verilog": written["manifest.json"]["design_hash"]}


def dump(arguments):
    cases = [
        case
        for case in itertools.product(models(arguments.models), BOARDS, MODES)
        if not arguments.only or case[0].stem in arguments.only
    ]
    if not cases:
        sys.exit("no model found")
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool, open(arguments.file, "w") as out:
        for row in pool.map(lambda case: figures(arguments.bin, *case), cases):
            out.write(json.dumps(row, sort_keys=True) + "\n")
    print(f"{len(cases)} plans in {arguments.file}")


def leaves(value, path=()):
    """Each number, text or null of a JSON value with its path; stages and streams by their names."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, (*path, name))
    elif isinstance(value, list):
        yield (*path, "length"), len(value)
        for index, part in enumerate(value):
            name = part.get("stage", part.get("name", index)) if isinstance(part, dict) else index
            yield from leaves(part, (*path, str(name)))
    else:
        yield path, value


def read(file):
    rows = [json.loads(line) for line in open(file)]
    return {(row["model"], row["board"], row["mode"]): dict(leaves(row)) for row in rows}


def diff(arguments):
    before, after = read(arguments.before), read(arguments.after)
    differing = 0
    if arguments.not_verilog:
        for figures_of in [*before.values(), *after.values()]:
            figures_of.pop(("verilog",), None)
    for case in sorted(before.keys() | after.keys()):
        left, right = before.get(case, {}), after.get(case, {})
        changed = [path for path in sorted(left.keys() | right.keys()) if left.get(path) != right.get(path)]
        differing += bool(changed)
        for path in changed[: arguments.most]:
            print(f"{' '.join(case)}: {'.'.join(path)}: {left.get(path)} -> {right.get(path)}")
        if len(changed) > arguments.most:
            print(f"{' '.join(case)}: {len(changed) - arguments.most} more")
    print(f"{differing} of {len(before.keys() | after.keys())} plans differ")
    sys.exit(differing != 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    of_dump = verbs.add_parser("dump")
    of_dump.add_argument("file")
    of_dump.add_argument("--bin", default=str(ROOT / "target" / "release" / "xnorforge"))
    of_dump.add_argument("--models", type=pathlib.Path, default=ROOT.parent / "shared" / "models")
    of_dump.add_argument("--only", nargs="*", metavar="MODEL", help="models by file name without its ending")
    of_dump.add_argument("--jobs", type=int, default=os.cpu_count())
    of_dump.set_defaults(run=dump)
    of_diff = verbs.add_parser("diff")
    of_diff.add_argument("before")
    of_diff.add_argument("after")
    of_diff.add_argument("--most", type=int, default=10, help="differences shown of one plan")
    of_diff.add_argument("--not-verilog", action="store_true", help="hashes of the Verilog may differ")
    of_diff.set_defaults(run=diff)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
