# Everything a developer types; `make` alone lists it. docs/testing.md says more about the tests.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The newest interpreter we support that can make a virtual environment. Override: make PYTHON=python3.12 ...
SUPPORTED := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
ifndef PYTHON
PYTHON := $(shell for python in python3.13 python3.12 python3.11 python3; do \
	"$$python" -c '$(SUPPORTED)' 2>/dev/null && echo "$$python" && break; done)
endif

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
UV := build/uv/bin/uv

FUZZ_SECONDS := 600
# Processes that share the tests; those with real parts mostly wait.
TEST_PROCESSES := 3

.PHONY: help setup lock test parts lint fuzz demo lab bench record-calls asterisk-tree zoneminder-tree clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv with the locked dependencies and sosbridge itself
	@:

$(READY): pyproject.toml requirements.lock
	@[ -n "$(PYTHON)" ] || { echo "error: Python 3.11, 3.12 or 3.13 with venv is needed" \
		"(Debian: apt-get install python3-venv)" >&2; exit 1; }
	@echo "setting up $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

lock: $(UV) ## Choose the newest allowed dependencies anew and write requirements.lock
	$(UV) pip compile pyproject.toml --group dev --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements.lock

$(UV):
	@$(PYTHON) -m venv build/uv
	@build/uv/bin/pip install --disable-pip-version-check --quiet uv

test: setup parts ## Run all tests; as root, first install the real parts they run against
	@$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile

# Without root nothing is installed: the tests whose parts are missing are skipped, and the summary says
# which part each needs and how to get it.
parts:
	@if [ "$$(id -u)" = 0 ]; then sh tests/parts/install.sh && $(MAKE) asterisk-tree zoneminder-tree; fi

lint: setup ## Check style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fuzz: setup ## Fuzz the SIP parser and user agent for 10 minutes (FUZZ_SECONDS=...), guided by coverage
	@$(BIN)/python -m tests.sip.fuzzing.coverage --seconds $(FUZZ_SECONDS)

demo: setup ## Show the main job: two SOS calls through the bridge, no root, no PBX
	@$(BIN)/sosbridge demo

lab: setup parts ## Run one SOS call end to end on a real Asterisk and a real ZoneMinder (root)
	@$(BIN)/python -m pytest -s tests/lab

bench: setup parts ## Print the figures: latency of an SOS, a flood, a storm on three VMSs
	@$(BIN)/python -m bench.sos_latency
	@$(BIN)/python -m bench.flood
	@$(BIN)/python -m bench.storm
	@$(BIN)/python -m bench.driver_overhead
	@$(BIN)/python -m bench.sip_calls
	@$(BIN)/python -m bench.sip_bridged
	@$(BIN)/python -m bench.sip_sos
	@$(BIN)/python -m bench.rtp_relay
	@$(BIN)/python -m bench.fallback
	@$(BIN)/python -m bench.replay

record-calls: setup asterisk-tree ## Record the calls of the tests anew (VERSION=22, SCENARIO=busy: only those)
	@$(BIN)/python -m tests.calls.record $(VERSION) $(SCENARIO)

asterisk-tree: ## Build Asterisk 22 and 16 for the tests, once, into the user's cache
	@$(PYTHON) tests/parts/trees.py asterisk

zoneminder-tree: ## Build ZoneMinder 1.36 for the tests, once, into the user's cache (root)
	@$(PYTHON) tests/parts/trees.py zoneminder

clean: ## Remove .venv, build files and caches; the trees in the user's cache stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
