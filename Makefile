# From a fresh clone: `make compose` writes poems, `make test` runs every quick check.
# What trains needs torch: on Linux pip brings its CUDA build, 5.5 GB (README.md: how a CPU build is had).
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: compose test test-slow check page-types format train samples poems report bench docs site release test-matrix test-install clean

compose: .venv/base
	$(BIN)/pingze compose --form 七絕 --count 2
	$(BIN)/pingze compose --form 五律 春

# Each core has a process of tests, so that each process needs one thread.
test: check
	PINGZE_THREADS=1 $(BIN)/pytest -n auto -m "not slow"

test-slow: .venv/dev
	$(BIN)/pytest -m slow

check: .venv/dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

# The types and the format of the page's JavaScript; tests/serve/test_page_files.py checks both where npm has brought them.
page-types: node_modules
	npm run --silent types
	npm run --silent formatted

node_modules: package.json
	npm install --silent --no-audit --no-fund
	touch $@

format: .venv/dev
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	if [ -x node_modules/.bin/prettier ]; then npm run --silent format; fi

# Goes on where an interrupted run stopped.
train: .venv/dev
	$(BIN)/pingze corpus fetch
	$(BIN)/pingze train --preset report --out runs/report-model $(if $(wildcard runs/report-model/configuration.json),--resume)

samples: .venv/base
	$(BIN)/python -m lab.experiments.samples

poems: .venv/base
	$(BIN)/python -m lab.experiments.poems

# The course report's claims: goes on where a stopped run was, and draws the page again.
report: .venv/dev
	$(BIN)/pingze corpus fetch
	$(BIN)/python -m lab.report

bench: .venv/dev
	$(BIN)/python -m lab.benchmarks.compose
	$(BIN)/pingze corpus fetch
	$(BIN)/python -m lab.benchmarks.engine

# The documentation site, in build/site.
docs: .venv/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

# The same, and beside it the page that shows a link's poem without a server: any host's, or opened from its folder.
site: docs
	$(BIN)/pip install --quiet --editable '.[serve]'
	$(BIN)/python -m tools.build_site

.venv/docs: .venv/base
	$(BIN)/pip install --quiet --editable '.[docs]'
	touch $@

# In dist/; says what is left to a person.
release: .venv/release
	$(BIN)/python -m tools.release

# The quick tests from the wheel, with every Python from 3.11 on that is at hand.
test-matrix: .venv/release
	$(BIN)/python -m tools.test_matrix

# The documents' commands, each with the extras that it needs and no others: EXTRAS='base serve train train,plots corpus'.
EXTRAS ?= base serve
test-install: .venv/dev
	PINGZE_TEST_EXTRAS='$(EXTRAS)' $(BIN)/pytest -m slow tests/test_install.py

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/base: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable .
	touch $@

.venv/release: .venv/base
	$(BIN)/pip install --quiet --editable '.[release]'
	touch $@

.venv/dev: .venv/base
	$(BIN)/pip install --quiet --editable '.[train,plots,corpus,serve,mcp,hub,table,bench,docs,release,dev]'
	touch $@
