#!/usr/bin/env bash
# Everything that CI checks: scripts/test.sh [all|lint|unit]. Stops at the first thing that is wrong.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

what=${1:-all}
SECONDS=0
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
times=()

# step LOG NAME COMMAND…: runs it, keeps its output for the summary, notes its time.
step() {
  local log=$1 name=$2 from=$SECONDS
  shift 2
  say "$name"
  "$@" 2>&1 | tee "$logs/$log"
  times+=("$(printf '%5d s  %s' $((SECONDS - from)) "$name")")
}

plain() { sed -E 's/\x1b\[[0-9;]*m//g' "$logs/$1"; }

lint() {
  step fmt "format" cargo fmt --check
  step clippy-ssr "lints, server" cargo clippy --locked --features ssr --all-targets -- -D warnings
  step clippy-hydrate "lints, browser" cargo clippy --locked --lib --features hydrate,split --target wasm32-unknown-unknown -- -D warnings
}

unit() {
  step nextest "tests: unit, property and integration" cargo nextest run --locked --features ssr --color always
}

summary() {
  local in_src in_tests
  echo
  say "All is well, in $((SECONDS / 60)) min $((SECONDS % 60)) s"
  printf '  %s\n' "${times[@]}"
  if [[ -f $logs/nextest ]]; then
    in_src=$(plain nextest | grep -cE '^ *PASS \[[^]]*\] +(\([^)]*\) +)?magpie ' || true)
    in_tests=$(plain nextest | grep -cE '^ *PASS \[[^]]*\] +(\([^)]*\) +)?magpie::' || true)
    echo "  tests: $in_src unit and property (src), $in_tests integration (tests)"
  fi
  if [[ -f $logs/browser ]]; then
    echo "  browser tests: $(plain browser | grep -oE '[0-9]+ (passed|skipped|flaky)' | paste -sd, | sed 's/,/, /g')"
  fi
}

case $what in
  lint) lint ;;
  unit)
    # The whole installs npm's packages; who wants these tests alone may have no npm.
    if [[ -z ${CI:-} && ! -d end2end/node_modules/@modelcontextprotocol ]]; then
      say "Without npm's packages the tests with a real MCP server are left out: scripts/setup.sh browser installs them"
      export MAGPIE_TEST_WITHOUT_NPM=1
    fi
    unit
    ;;
  all)
    step setup "set-up" scripts/setup.sh build nextest browser
    lint
    unit
    step build "build, release" scripts/build.sh
    step size "size budget" node end2end/size-budget.mjs
    step browser "browser tests" scripts/e2e.sh
    ;;
  *) fail "scripts/test.sh knows all, lint and unit, not $what." ;;
esac
summary
