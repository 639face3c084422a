# Two commands do everything: `make run` and `make test`. Everything else is a part of them.
.DEFAULT_GOAL := help
BIN := .venv/bin
SHELL := /bin/sh
.PHONY: help run test check lint setup web browser lab-up lab-down bench lock clean

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup web  ## dial a sample base over a simulated carrier and open the live page (OBZVON_LANG=ru make run)
	@$(BIN)/obzvon demo $(ARGS)

test: setup web browser lab-up lint  ## everything: checks, then all tests with the Asterisk container and Chromium
	@$(BIN)/pytest --require-all $(ARGS)

check: setup web lint  ## lint and the tests that need no container; what did not run is counted
	@$(BIN)/pytest $(ARGS)

lint: setup  ## ruff, mypy --strict, import contracts, TypeScript
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@.ci/web check

setup:  ## venv and packages from requirements.lock
	@.ci/setup

web: setup  ## build the page's scripts and styles
	@.ci/web

browser: setup  ## a Chromium for the browser tests
	@.ci/browser

lab-up:  ## build and start the Asterisk container
	@sip-lab/lab up

lab-down:  ## stop the Asterisk container
	@sip-lab/lab down

bench: setup lab-up  ## quick benchmarks
	@$(BIN)/python -m tests.bench.signalling --quick
	@$(BIN)/python -m tests.bench.signalling_load --quick

lock: setup  ## pin what pyproject.toml asks for, with hashes and without addresses
	@$(BIN)/uv pip compile pyproject.toml --extra dev --generate-hashes --universal --no-header \
		--no-emit-index-url --no-annotate --quiet --upgrade -o requirements.lock

clean: lab-down  ## remove what was built (campaign data stays)
	@rm -rf .venv .lab .peers .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache api/web/node_modules api/web/static/vendor
