#!/usr/bin/env bash
# make bench: every server under the same load, on loopback, server and generator on a core each; prints the table
# and writes docs/benchmarks.md. QUICK=1 measures once, with fewer clients, and writes nothing.
# More options go to the generator: scripts/bench.sh --only acks,lone-ack --servers bare,magpie --rounds 1
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

# Sockets of the idle scenario (15,000), and some more.
files=16384
[[ $(ulimit -n) == unlimited ]] || (($(ulimit -n) >= files)) || ulimit -n "$files" ||
  fail "The generator opens 15,000 sockets, and so do the servers: this shell may open $(ulimit -Hn) files." \
    "Raise the limit (ulimit -n $files as root, or limits.conf), then run this again."

say "Building the server, the generator and the axum peers, optimised"
cargo build --locked --release --features ssr --bin magpie --examples

# The FastAPI peer lives in an environment of its own, as requirements.txt pins it.
peer=$MAGPIE_TARGET/bench/fastapi
if ! cmp -s benches/peers/fastapi/requirements.txt "$peer/installed.txt"; then
  say "Installing the FastAPI peer into $peer"
  if python3 -m venv "$peer" && "$peer/bin/pip" install -q --disable-pip-version-check -r benches/peers/fastapi/requirements.txt; then
    cp benches/peers/fastapi/requirements.txt "$peer/installed.txt"
  else
    say "The FastAPI peer could not be installed (it needs python3 with venv, and the network): it is left out"
    rm -rf "$peer"
  fi
fi

mkdir -p "$MAGPIE_TARGET/bench/data"
arguments=(--bin "$MAGPIE_TARGET/release" --data "$MAGPIE_TARGET/bench/data")
[[ -x $peer/bin/uvicorn ]] && arguments+=(--uvicorn "$peer/bin/uvicorn")
if [[ ${QUICK:-} == 1 ]]; then
  arguments+=(--quick --rounds 1)
elif [[ $# == 0 ]]; then
  arguments+=(--write docs/benchmarks.md)
fi

pin=()
if (($(nproc) > 1)) && command -v taskset >/dev/null; then
  arguments+=(--server-core 0)
  pin=(taskset -c 1)
else
  say "One core, or no taskset: server and generator share what there is, and the figures say less"
fi
say "Measuring (12 minutes at most; QUICK=1 takes 3)"
exec ${pin[@]+"${pin[@]}"} "$MAGPIE_TARGET/release/examples/load" "${arguments[@]}" "$@"
