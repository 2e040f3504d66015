#!/usr/bin/env bash
# Runs the tests: test.sh [fast|all|long] [ARGUMENT…]
#   fast   what needs no tool beside cargo: under three minutes on two cores once built
#   all    every test, those that repeat themselves on samples; installs the tools (Debian, Ubuntu). The default
#   long   every test in full (XNORFORGE_TESTS=full), hours
# Arguments go to `cargo nextest run`, or to `cargo test` where cargo-nextest is not installed: `-p xnorforge-sim --test soc`.
set -euo pipefail
cd "$(dirname "$0")/.."

tier=all
case ${1:-} in
  fast | all | long) tier=$1 && shift ;;
esac
profile=default
[ "$tier" = all ] || profile=$tier
[ "$tier" != long ] || export XNORFORGE_TESTS=${XNORFORGE_TESTS:-full}

# Synthesis and place and route, at the place where `xnorforge build` looks for them.
export XNORFORGE_TOOLS=${XNORFORGE_TOOLS:-$HOME/.local/share/xnorforge/tools}
install_tools() {
  local packages=() as_root="" tool
  for tool in verilator iverilog yosys g++ make; do
    command -v "$tool" > /dev/null || packages+=("$tool")
  done
  python3 -c "import ensurepip" 2> /dev/null || packages+=(python3-venv)
  if [ "${#packages[@]}" -gt 0 ]; then
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    $as_root apt-get update -qq
    $as_root apt-get install -y -qq "${packages[@]}"
  fi
  if ! cmp -s constraints/requirements.txt "$XNORFORGE_TOOLS/requirements.txt"; then
    python3 -m venv "$XNORFORGE_TOOLS"
    "$XNORFORGE_TOOLS/bin/pip" install --quiet -r constraints/requirements.txt
    cp constraints/requirements.txt "$XNORFORGE_TOOLS/"
  fi
}
[ "$tier" = fast ] || install_tools

status=0
if cargo nextest --version > /dev/null 2>&1; then
  cargo nextest run --release --workspace --profile "$profile" --no-fail-fast "$@" || status=1
  # Examples in documentation, which nextest does not run.
  [ "$#" -gt 0 ] || [ "$tier" = fast ] || cargo test --release --workspace --doc || status=1
elif [ "$tier" = fast ]; then
  # Without nextest's filters: the crates whose tests need no tool.
  cargo test --release --no-fail-fast -p xnorforge-{abi,network,compiler,host,testkit} "$@" || status=1
else
  cargo test --release --workspace --no-fail-fast "$@" || status=1
fi
# Who asks for certain tests wants no others.
[ "$#" -gt 0 ] || [ "$tier" = fast ] || bash bindings/python/test.sh || status=1
exit "$status"
