#!/usr/bin/env bash
# The release build: server at target/release/magpie, site at target/site, compressed ahead of time.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

say "Building the site and the server, optimised (the first time takes some minutes)"
# --precompress puts a .br and a .gz beside each file of the site: the server compresses nothing twice. --split cuts
# the parts of the app (src/ui/part.rs) out of what every page loads.
cargo leptos build --release --precompress --split --lib-features hydrate,split --cargo-locked

if ! [[ $MAGPIE_TARGET/release/magpie -ef target/release/magpie ]]; then
  mkdir -p target/release
  # Renamed into place: a running server keeps its old file.
  cp "$MAGPIE_TARGET/release/magpie" target/release/magpie.new
  mv target/release/magpie.new target/release/magpie
fi
