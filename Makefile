# Two words for a newcomer: `make demo` and `make test`. Both set up everything they need.
SHELL := /bin/sh
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN := $(UV) run --frozen
STATIC := src/margelle/serve/pages/static

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint fuzz soak bench bench-peers mutants docs screenshots clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

.uv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Margelle needs Python 3.11 or newer: set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Fetching uv into .uv (once)…"
	@$(PYTHON) -m venv .uv || { echo "Python's venv module is missing: on Debian, apt install python3-venv" >&2; exit 1; }
	@.uv/bin/python -W ignore -m pip install --quiet --quiet --no-warn-script-location --disable-pip-version-check uv==$(UV_VERSION)

.venv/.ready: pyproject.toml uv.lock | $(UV)
	@test -d .venv || echo "Installing into .venv (once)…"
	@$(UV) sync --frozen --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
	@touch $@

frontend/node_modules/.ready: frontend/package.json frontend/package-lock.json frontend/.npmrc | .venv/.ready
	@test -d frontend/node_modules || echo "Installing into frontend/node_modules (once)…"
	@.venv/bin/python -m tools.frontend install
	@touch $@

$(STATIC)/.built: $(wildcard frontend/src/*.ts frontend/css/*.css) frontend/build.mjs frontend/node_modules/.ready
	@.venv/bin/python -m tools.frontend build
	@touch $@

setup: .venv/.ready $(STATIC)/.built ## install everything into .venv, and build the pages' scripts and styles

demo: setup ## clouds and a hub on this machine, ready in a minute the first time and then in seconds (PORT=8080)
	@.venv/bin/margelle demo

lint: setup ## ruff, mypy --strict, the floors, tsc and prettier
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache --no-logo
	@.venv/bin/python -m tools.frontend check

test: lint ## every check and every test
	@.venv/bin/pytest -n auto --dist worksteal

fuzz: setup ## ask the faces whatever can be asked, for MINUTES (10) from a SEED (random), with a summary
	@.venv/bin/python -m tools.fuzz $(or $(MINUTES),10) $(SEED)

soak: setup ## the collector's promise, simulated for DAYS (365) from a SEED (1), with the figures; fails where it was broken
	@.venv/bin/python -m tests.soak $(or $(DAYS),365) $(SEED)

bench: setup ## how fast, side by side with a peer in one run
	@.venv/bin/python -m bench

bench-peers: setup ## beside InfluxDB and VictoriaMetrics, where Debian's packages of them are installed (PROBES=100, PAGE=)
	@.venv/bin/python -m bench.peers --probes $(or $(PROBES),100) $(if $(PAGE),--page $(PAGE))

mutants: setup ## shared mistakes injected into wire and translate; fails on an unlisted survivor
	@.venv/bin/python -m tools.mutants

docs: setup ## write the reference pages from the tables they describe
	@.venv/bin/python -m tools.reference

screenshots: setup ## take the README's pictures anew, with chromium
	@.venv/bin/python -m tools.screenshots

clean: ## remove what make has made
	rm -rf .venv .uv frontend/node_modules $(STATIC)/.built $(STATIC)/*.css $(STATIC)/*.js $(STATIC)/*.br $(STATIC)/*.gz $(STATIC)/*.LICENSE.txt .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist .screenshots
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@if test -d margelle-demo; then echo "margelle-demo stays: what was measured is never removed by make."; fi
