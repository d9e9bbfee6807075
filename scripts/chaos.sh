#!/usr/bin/env bash
# The chaos test with many seeds: SEEDS (1000) from FROM (1) on, JOBS (2) at a time, with the optimised server.
# A seed that fails says how it is run again.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

export CHAOS_SEEDS=${SEEDS:-1000} CHAOS_FROM=${FROM:-1} CHAOS_JOBS=${JOBS:-2} CHAOS_VERBOSE=${VERBOSE:-0}
say "Chaos: $CHAOS_SEEDS seeds from $CHAOS_FROM on, $CHAOS_JOBS at a time"
exec nice cargo test --locked --release --features ssr --test all -- --exact --nocapture \
  chaos::nothing_is_lost_doubled_reordered_or_shown_to_who_was_removed_whatever_fails
