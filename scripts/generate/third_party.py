#!/usr/bin/env python3
"""Writes the licences of the crates in the program and in the Python wheel: THIRD-PARTY.txt.

    python3 scripts/generate/third_party.py            # writes bindings/python/THIRD-PARTY.txt
    python3 scripts/generate/third_party.py --check    # it must come out the same

The crates are those of Cargo.lock that are linked into either, for every platform of TARGETS; cargo downloads their sources, from
which the texts are. A text that several crates share is written once. Run it after a change of Cargo.lock. Needs Python 3.11
and cargo.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "bindings/python/THIRD-PARTY.txt"
PACKAGES = ["xnorforge", "xnorforge-python"]
TARGETS = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-apple-darwin", "aarch64-apple-darwin"]
LICENCE_FILE = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)
RULE = "=" * 100

HEAD = """\
Software of others in xnorforge's program and Python package

xnorforge itself is licensed under MIT OR Apache-2.0. It contains the Rust crates listed here and the Rust standard library
(MIT OR Apache-2.0, copyright The Rust Project Contributors, https://github.com/rust-lang/rust), each under the licence named
behind it; where MIT is one of several, it is the one chosen. The texts follow.
"""
MPL = """\
{title} is under the Mozilla Public License 2.0 and unchanged. Its source text is the crate of that name and version in the
registry of Rust's crates, and at {repository}, under that licence.
"""
NO_FILE = "(The package has no licence file. Its authors: {authors}. Its licence, {license}, is among the texts here.)"


def run(*command: str) -> str:
    """What a command prints; ends the script where it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout


def linked() -> set[tuple[str, str]]:
    """Names and versions of the crates of others in the binaries."""
    targets = [word for target in TARGETS for word in ("--target", target)]
    packages = [word for package in PACKAGES for word in ("-p", package)]
    tree = run("cargo", "tree", "--locked", "-e", "normal,no-proc-macro", "--prefix", "none", *packages, *targets)
    lines = {line.removesuffix(" (*)") for line in tree.splitlines() if line and not line.startswith("xnorforge")}
    return {(name, version.removeprefix("v")) for name, version in (line.split()[:2] for line in lines)}


def texts(package: dict) -> list[str]:
    """The licence files of a crate."""
    folder = Path(package["manifest_path"]).parent
    paths = sorted(path for path in folder.iterdir() if path.is_file() and LICENCE_FILE.match(path.name))
    of_mit = [path for path in paths if "mit" in path.name.lower()]
    if of_mit and " AND " not in package["license"]:
        others = ("apache", "unlicense", "gpl", "zlib", "bsd")
        paths = [path for path in paths if not any(name in path.name.lower() for name in others)]
    found = [path.read_text(encoding="utf-8", errors="replace") for path in paths]
    if found:
        return ["\n".join(line.rstrip() for line in text.splitlines()).strip("\n") for text in found]
    authors = ", ".join(package["authors"]) or "not named"
    return [NO_FILE.format(authors=authors, license=package["license"])]


def document() -> str:
    """The whole text."""
    crates = linked()
    metadata = json.loads(run("cargo", "metadata", "--locked", "--format-version", "1"))
    packages = [package for package in metadata["packages"] if (package["name"], package["version"]) in crates]
    packages.sort(key=lambda package: (package["name"], package["version"]))
    title = {package["id"]: f"{package['name']} {package['version']}" for package in packages}
    parts = [HEAD]
    for package in packages:
        if "MPL" in package["license"]:
            parts.append(MPL.format(title=title[package["id"]], repository=package["repository"]))
    parts.append("".join(f"{title[package['id']]}: {package['license']}\n" for package in packages))
    users: dict[str, tuple[str, list[str]]] = {}
    for package in packages:
        for text in texts(package):
            # The same text may be broken into other lines.
            _, names = users.setdefault(" ".join(text.split()), (text, []))
            names.append(title[package["id"]])
    for text, names in users.values():
        parts.append(f"{RULE}\n{', '.join(dict.fromkeys(names))}\n{RULE}\n\n{text}\n")
    return "\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    text = document()
    if not parser.parse_args().check:
        OUTPUT.write_text(text, encoding="utf-8")
    elif not OUTPUT.exists() or OUTPUT.read_text(encoding="utf-8") != text:
        sys.exit(f"{OUTPUT.relative_to(ROOT)} is not that of Cargo.lock: run {Path(__file__).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
