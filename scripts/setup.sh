#!/usr/bin/env bash
# Installs what is missing, and says what and why: scripts/setup.sh [toolchain] [build] [nextest] [browser]
# A tool that is there in the right version is left alone; one of another version is never replaced, the right
# one is put beside it, for this project only (target/tools).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

CARGO_LEPTOS_VERSION=0.3.11
BINARYEN_VERSION=132
NEXTEST_VERSION=0.9.143
NODE_MAJOR=20

has() { command -v "$1" >/dev/null 2>&1; }

# A value of rust-toolchain.toml, without quotes and brackets: `channel`, `components`, `targets`.
toolchain_value() { sed -nE "s/^$1 *= *//p" rust-toolchain.toml | tr -d '[]" '; }

toolchain() {
  has rustup || fail "rustup is missing: it installs the Rust compiler." \
    "Get it from https://rustup.rs, open a new shell, and run this again."
  has cc || has gcc || has clang || fail "A C compiler is missing: SQLite is built from source, and Rust links with it." \
    "Debian, Ubuntu: apt-get install build-essential · Fedora: dnf install gcc · macOS: xcode-select --install"
  local channel components targets installed part
  channel=$(toolchain_value channel) components=$(toolchain_value components) targets=$(toolchain_value targets)
  installed=" $(rustup component list --installed --toolchain "$channel" 2>/dev/null | tr '\n' ' ') " || installed=
  for part in rustc ${components//,/ } ${targets//,/ }; do
    [[ $installed == *" $part"* || $installed == *"-$part "* ]] && continue
    say "Installing Rust $channel with ${components//,/, } and ${targets//,/, }, as rust-toolchain.toml asks (about a minute)"
    rustup toolchain install "$channel" --profile minimal --component "$components" --target "$targets" --no-self-update ||
      fail "rustup could not install Rust $channel (see above)." "It needs the network: check it, then run this again."
    return
  done
}

# install_crate CRATE VERSION COMMAND WHY MINUTES [cargo install option…]
install_crate() {
  local crate=$1 version=$2 command=$3 why=$4 minutes=$5 where=()
  shift 5
  if has "$command"; then
    where=(--root "$MAGPIE_TOOLS")
    why="$why; your other version stays, this one goes to $MAGPIE_TOOLS"
  fi
  say "Installing $crate $version: $why"
  if has cargo-binstall && cargo binstall --no-confirm --version "$version" ${where[@]+"${where[@]}"} "$crate"; then return; fi
  say "Building $crate from source (about $minutes minutes on two cores; cargo-binstall would take seconds)"
  # Outside the clone, so that the pinned toolchain is asked for by name, and with a profile that builds in a
  # third of the time: these tools' own speed hardly matters.
  (cd / && env -u CARGO_TARGET_DIR CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
    cargo "+$(cd "$MAGPIE_ROOT" && toolchain_value channel)" install "$crate" --version "$version" "$@" ${where[@]+"${where[@]}"}) ||
    fail "$crate $version could not be installed (see above)." \
      "It comes from the Rust package registry: check the network, or install it yourself, then run this again."
}

cargo_leptos() {
  # The caret range of 0.3.11: the build is known to work with it.
  local found
  found=$(cargo-leptos --version 2>/dev/null | awk '{print $2}') || found=
  [[ $found == 0.3.* && ${found#0.3.} -ge ${CARGO_LEPTOS_VERSION#0.3.} ]] 2>/dev/null && return
  install_crate cargo-leptos "$CARGO_LEPTOS_VERSION" cargo-leptos "it builds server and browser side together" 5 --locked
}

wasm_bindgen() {
  local wanted found
  wanted=$(sed -nE '/^name = "wasm-bindgen"$/{n;s/^version = "(.*)"$/\1/p}' Cargo.lock)
  found=$(wasm-bindgen --version 2>/dev/null | awk '{print $2}') || found=
  [[ $found == "$wanted" ]] && return
  # Without --locked: the lock file that this release carries does not build.
  install_crate wasm-bindgen-cli "$wanted" wasm-bindgen "it must be exactly the version in Cargo.lock" 2
}

wasm_opt() {
  has wasm-opt && return
  if has npm; then
    say "Installing wasm-opt (binaryen $BINARYEN_VERSION) into $MAGPIE_TOOLS: it makes the WASM small (seconds)"
    npm install --silent --no-audit --no-fund --prefix "$MAGPIE_TOOLS" "binaryen@$BINARYEN_VERSION.0.0" && return
  fi
  say "wasm-opt is not on the PATH: cargo-leptos will download it from GitHub"
}

nextest() {
  has cargo-nextest && return
  install_crate cargo-nextest "$NEXTEST_VERSION" cargo-nextest "it runs the tests in parallel" 4 --locked
}

# The chromium to test in: CHROMIUM, else one that is installed, else Playwright's own.
find_chromium() {
  local candidate
  for candidate in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; do
    [[ -n $candidate ]] && command -v "$candidate" && return
  done
  (cd end2end && node -e '
    const path = require("@playwright/test").chromium.executablePath();
    if (!require("fs").existsSync(path)) process.exit(1);
    console.log(path)' 2>/dev/null)
}

browser() {
  has node && has npm || fail "node and npm are missing: the browser tests run on them." \
    "Get node $NODE_MAJOR or newer from https://nodejs.org or your system's packages, and run this again."
  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  [[ $major -ge $NODE_MAJOR ]] || fail "node $major is too old for the browser tests: they need $NODE_MAJOR or newer." \
    "Get it from https://nodejs.org, and run this again."
  if ! cmp -s end2end/package-lock.json end2end/node_modules/.installed-lock; then
    say "Installing Playwright, axe and an MCP server into end2end/node_modules: tests are written with them (seconds)"
    (cd end2end && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --silent --no-audit --no-fund) ||
      fail "npm could not install what end2end/package-lock.json names (see above)." "Check the network, then run this again."
    cp end2end/package-lock.json end2end/node_modules/.installed-lock
  fi
  find_chromium >/dev/null && return
  say "Installing a Chromium for the browser tests: none is here and CHROMIUM names none (about a minute)"
  (cd end2end && npx playwright install chromium) && find_chromium >/dev/null && return
  if [[ $(id -u) == 0 ]] && has apt-get; then
    say "Playwright's Chromium cannot be had: trying the system's package"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } >/dev/null || true
  fi
  find_chromium >/dev/null || fail "No Chromium could be installed for the browser tests." \
    "Install one from your system's packages (Debian: apt-get install chromium)," \
    "or name one: CHROMIUM=/path/to/chromium make test"
}

for part in "$@"; do
  case $part in
    toolchain) toolchain ;;
    build) toolchain && cargo_leptos && wasm_bindgen && wasm_opt ;;
    nextest) nextest ;;
    browser) browser ;;
    chromium) find_chromium ;;
    *) fail "scripts/setup.sh knows toolchain, build, nextest, browser and chromium, not $part." ;;
  esac
done
