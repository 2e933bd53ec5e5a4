# `make run` and `make test` each work as the first command in a fresh clone; `make help` lists the rest.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
PORT ?= 8000
DATA_DIR ?= var
DEMO ?= 1
BIND ?= 127.0.0.1
# Empty where Python finds a build for this machine by itself; `--index-url …/cpu` avoids CUDA elsewhere.
TORCH_PIP_ARGS ?=
PYTEST_ARGS ?=
BENCH_ARGS ?=
SOAK_ARGS ?=
MATRIX_ARGS ?=
STAGING_ARGS ?=
HUB_TESTS := tests/catalog/hub_api tests/catalog/discussions tests/catalog/community tests/catalog/git_http tests/hub_conformance tests/git_clients
JOBS ?= 2
SHARED_OUT := --dist loadfile --no-loadscope-reorder  # in the order of tests/order.py

PY := .venv/bin/python
MANAGE := $(PY) manage.py
PIP := $(PY) -m pip --disable-pip-version-check
LINTED := manage.py marketplace catalog evaluation tests

# Where this is set, every start of Django compiles our modules anew, a quarter of its time; tests start it hundreds of times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install run test test-fast test-slow lint format migrate migrations-reset bench matrix staging coverage lock schema

help:  ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

install: .venv/installed .venv/harness/installed build/static/installed  ## A .venv with everything, once; later calls take no time

.venv/installed: requirements/lock.txt requirements/torch.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; $(PYTHON) is %s. Set PYTHON=python3.12, say." % sys.version.split()[0])'
	@test -x $(PY) || { echo "Making .venv …"; $(PYTHON) -m venv .venv; }
	@echo "Installing the locked packages (a minute or two) …"
	@$(PIP) install -qq --no-deps --require-hashes -r requirements/lock.txt
	@echo "Installing torch …"
	@$(PIP) install -qq $(TORCH_PIP_ARGS) -r requirements/torch.txt
	@touch $@

.PHONY: harness
harness: .venv/harness/installed  ## lm_eval and mteb, for benchmarks that they ask and judge

.venv/harness/installed: requirements/harness.txt | .venv/installed
	@echo "Installing lm_eval and mteb (some 20 000 small files) …"
	@rm -rf .venv/harness
	@$(PIP) install -qq --no-deps --no-compile --require-hashes --target .venv/harness -r requirements/harness.txt
	@PYTHONPATH=.venv/harness $(PY) -c 'import lm_eval, mteb' # compiles what their processes import and, being confined, cannot keep
	@touch $@

build/static/installed: .venv/installed $(shell find static -type f 2>/dev/null)
	@echo "Collecting static files …"
	@$(MANAGE) collectstatic --no-input --verbosity 0
	@touch $@

run: install  ## Everything on http://127.0.0.1:8000 (PORT=, DATA_DIR=, BIND=, DEMO=0)
	@exec $(MANAGE) up --data-dir "$(DATA_DIR)" --port $(PORT) --bind $(BIND) $(if $(filter 0 no false,$(DEMO)),--no-demo)

test: install system-packages  ## All tests but the slow ones
	$(PY) -m pytest -n $(JOBS) $(SHARED_OUT) -m "not slow" $(PYTEST_ARGS)

test-fast: install  ## Plain code and what changed since main (tests/fast.py): a minute
	$(PY) -m pytest -p tests.fast -n $(JOBS) $(SHARED_OUT) -m "not slow and not browser" --ignore tests/browser --ignore tests/e2e --ignore tests/hub_conformance $(PYTEST_ARGS)

test-slow: install  ## Minutes, not seconds; also the stores on Ceph's radosgw
	@.ci/system-packages slow
	$(PY) -m pytest -n $(JOBS) $(SHARED_OUT) -m slow $(PYTEST_ARGS)

.PHONY: system-packages
system-packages:
	@.ci/system-packages

lint: install  ## Everything that is checked without running it
	$(PY) -m ruff check $(LINTED)
	$(PY) -m ruff format --check $(LINTED)
	$(PY) .ci/secret-scan
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) -m djlint --quiet --lint templates
	$(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run --verbosity 0
	$(MANAGE) spectacular --validate --fail-on-warn --file build/schema.yaml

.PHONY: audit
audit: build/audit/bin/pip-audit  ## Known holes in the locked packages, and build/sbom.json (needs a network)
	build/audit/bin/cyclonedx-py requirements requirements/lock.txt --output-file build/sbom.json
	@echo build/sbom.json
	build/audit/bin/pip-audit --strict --disable-pip --require-hashes -r requirements/lock.txt

build/audit/bin/pip-audit:
	@$(PYTHON) -m venv build/audit
	@build/audit/bin/pip install -qq pip-audit cyclonedx-bom

format: install  ## Let ruff put the code in its shape
	$(PY) -m ruff check --fix $(LINTED)
	$(PY) -m ruff format $(LINTED)

migrate: install  ## Bring the database up to date (MARKETPLACE_DATA_DIR or DATABASE_URL says which)
	$(MANAGE) migrate

migrations-reset: install  ## Before the first release only: one fresh 0001_initial per app
	rm -f catalog/migrations/0*.py evaluation/migrations/0*.py
	$(MANAGE) makemigrations --verbosity 1 --name initial catalog evaluation

bench: install system-packages  ## The numbers of docs/, side by side on this machine
	$(PY) -m tests.bench $(BENCH_ARGS)

matrix: install  ## Every client at every version against one site, into build/matrix.json (MATRIX_ARGS="--only datasets")
	$(PY) -m tests.matrix $(MATRIX_ARGS)

staging: install  ## huggingface_hub's own test suite against one site, into build/staging.json (STAGING_ARGS=test_lfs.py)
	$(PY) -m tests.staging $(STAGING_ARGS)

coverage: install  ## docs/coverage.md anew: routes as the tests see them, clients as the last `make matrix` saw them
	$(PY) -m pytest -q -p tests.matrix.coverage.recording -m "not slow" $(wildcard $(HUB_TESTS))
	$(PY) -m tests.matrix.coverage

.PHONY: soak
soak: install system-packages  ## Crashes, the collector under load and racing committers, in full (SOAK_ARGS)
	$(PY) -m tests.soak $(SOAK_ARGS)

lock:  ## requirements/lock.txt anew from the *.in files (needs pip-tools and PyPI)
	cd requirements && pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-options --strip-extras \
	  --no-annotate --no-header --unsafe-package torch --output-file lock.txt base.in embedded.in runner.in demo.in test.in dev.in
	sed -i -E -e '/^(nvidia|cuda|triton)/,/[^\\]$$/d' -e '/^# WARNING/,$$d' \
	  -e '1i # Every package but torch, with the hashes of its files: `make install` uses --no-deps --require-hashes.' \
	  -e '1i # Made by `make lock` from the *.in files; a version changes there first.' requirements/lock.txt

schema: install  ## The OpenAPI description of /api/v1
	@mkdir -p build
	$(MANAGE) spectacular --validate --file build/schema.yaml
	@echo build/schema.yaml
