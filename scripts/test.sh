#!/usr/bin/env bash
# Installs what the tests need (Debian, Ubuntu) and runs them all.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
for tool in verilator iverilog yosys g++ make; do
  command -v "$tool" > /dev/null || packages+=("$tool")
done
python3 -c "import ensurepip" 2> /dev/null || packages+=(python3-venv)
if [ "${#packages[@]}" -gt 0 ]; then
  as_root=""
  [ "$(id -u)" -eq 0 ] || as_root=sudo
  $as_root apt-get update -qq
  $as_root apt-get install -y -qq "${packages[@]}"
fi
# Synthesis and place and route, at the place where `xnorforge build` looks for them.
export XNORFORGE_TOOLS=${XNORFORGE_TOOLS:-$HOME/.local/share/xnorforge/tools}
if ! cmp -s constraints/requirements.txt "$XNORFORGE_TOOLS/requirements.txt"; then
  python3 -m venv "$XNORFORGE_TOOLS"
  "$XNORFORGE_TOOLS/bin/pip" install --quiet -r constraints/requirements.txt
  cp constraints/requirements.txt "$XNORFORGE_TOOLS/"
fi
status=0
cargo test --release --workspace --no-fail-fast "$@" || status=1
# Who asks cargo for certain tests wants no others.
[ "$#" -gt 0 ] || bash bindings/python/test.sh || status=1
exit "$status"
