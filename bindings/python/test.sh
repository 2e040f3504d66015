#!/usr/bin/env bash
# Builds the package, installs it into a fresh virtual environment and tests it there. Takes pytest's arguments.
# Ends with one line: 'N passed, N failed'.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# For all packages, as the tests are built: with the features that the program alone needs, much would be compiled again.
cargo build --release --quiet --workspace --bins
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet -r requirements.txt
"$work/venv/bin/maturin" build --release --quiet --compatibility linux --out "$work/wheels"
"$work/venv/bin/pip" install --quiet --no-deps "$work"/wheels/*.whl
# The program and the tests lie in the clone; the package is the one installed.
"$work/venv/bin/python" -P -m pytest -p no:cacheprovider "$@"
