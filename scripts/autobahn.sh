#!/usr/bin/env bash
# The Autobahn test suite, sections 1 to 7 and 10, against the server's own socket stack (examples/echo.rs). What it
# needs goes to target/autobahn: the suite is written in Python 2.7, which must be there (pyenv has it), or docker.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

SUITE_VERSION=25.10.1
SUITE_IMAGE=crossbario/autobahn-testsuite:25.10.1
PORT=${PORT:-9001}
home=$MAGPIE_TARGET/autobahn
mkdir -p "$home"

has() { command -v "$1" >/dev/null 2>&1; }

# A Python 2.7: on the PATH, or one that pyenv has.
find_python() {
  local candidate
  for candidate in python2.7 python2 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7.*/bin/python2.7; do
    "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (2, 7))' >/dev/null 2>&1 || continue
    command -v "$candidate"
    return
  done
  return 1
}

suite() {
  local python
  if python=$(find_python); then
    export PYTHONUSERBASE=$home/python PYTHONWARNINGS=ignore
    if [[ ! -x $PYTHONUSERBASE/bin/wstest ]]; then
      say "Installing the Autobahn test suite $SUITE_VERSION into $PYTHONUSERBASE (a minute)"
      "$python" -m pip install --quiet --user --no-warn-script-location "autobahntestsuite==$SUITE_VERSION" >&2 ||
        fail "The Autobahn test suite could not be installed (see above)." "It comes from PyPI: check the network."
    fi
    (cd "$home" && "$PYTHONUSERBASE/bin/wstest" --mode fuzzingclient --spec spec.json >wstest.log)
  elif has docker; then
    docker run --rm --network host -v "$home:/work" -w /work "$SUITE_IMAGE" \
      wstest --mode fuzzingclient --spec spec.json
  else
    fail "The Autobahn test suite needs Python 2.7 or docker; neither is here." \
      "pyenv install 2.7.18, or get docker, and run this again."
  fi
}

cat >"$home/spec.json" <<JSON
{
  "outdir": "reports",
  "servers": [{ "agent": "magpie", "url": "ws://127.0.0.1:$PORT" }],
  "cases": ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"],
  "exclude-cases": [],
  "exclude-agent-cases": {}
}
JSON

say "Building the echo"
cargo build --locked --features ssr --example echo
"$MAGPIE_TARGET/debug/examples/echo" "127.0.0.1:$PORT" >"$home/echo.log" &
echo=$!
trap 'kill $echo 2>/dev/null || true' EXIT
for _ in $(seq 50); do
  grep -q 'echo is at' "$home/echo.log" && break
  sleep 0.1
done
grep -q 'echo is at' "$home/echo.log" || fail "The echo did not start on port $PORT: name another with PORT=…"

rm -rf "$home/reports"
say "Running the suite (a minute; $home/wstest.log)"
suite
node scripts/autobahn.mjs "$home/reports/index.json"
