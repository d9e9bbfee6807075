#!/usr/bin/env bash
# The browser tests against what scripts/build.sh built: scripts/e2e.sh [playwright option…]
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

[[ -x ${MAGPIE_BIN:-target/release/magpie} ]] || fail "There is no server to test." "Run: make build"
CHROMIUM=$(scripts/setup.sh chromium) || fail "There is no Chromium to test in." "Run: make setup"
export CHROMIUM
cd end2end
npx tsc --noEmit
exec npx playwright test "$@"
