# Sourced by the other scripts and the Makefile: where things are, and the PATH that finds the tools.

MAGPIE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Where cargo builds: the clone's own target/ unless CARGO_TARGET_DIR says otherwise.
MAGPIE_TARGET=${CARGO_TARGET_DIR:-$MAGPIE_ROOT/target}
case $MAGPIE_TARGET in /*) ;; *) MAGPIE_TARGET=$MAGPIE_ROOT/$MAGPIE_TARGET ;; esac
# Tools whose version here differs from the one that this machine has already: installed for this project alone.
MAGPIE_TOOLS=$MAGPIE_TARGET/tools
export PATH="$MAGPIE_TOOLS/bin:$MAGPIE_TOOLS/node_modules/.bin:$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

say() { printf '\033[1m── %s\033[0m\n' "$*"; }
fail() {
  printf '\033[1;31m── %s\033[0m\n' "$1" >&2
  shift
  for line in "$@"; do printf '   %s\n' "$line" >&2; done
  exit 1
}
