#!/usr/bin/env bash
# Installs what the tests need (Debian, Ubuntu) and runs them all.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
for tool in verilator iverilog yosys g++ make; do
  command -v "$tool" > /dev/null || packages+=("$tool")
done
if [ "${#packages[@]}" -gt 0 ]; then
  as_root=""
  [ "$(id -u)" -eq 0 ] || as_root=sudo
  $as_root apt-get update -qq
  $as_root apt-get install -y -qq "${packages[@]}"
fi
cargo test --release --workspace --no-fail-fast "$@"
