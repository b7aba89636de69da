# `make demo` and `make test` need nothing before them but Python 3.11 or newer and a C++ compiler.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet

# One thread a process: the tests and the instances are what runs in parallel, and sums keep their order.
export OMP_NUM_THREADS ?= 1

.PHONY: help demo test lint nightly evidence bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo      run the reversal experiment and write its page to runs/demo/page.html"
	@echo "make test      check style, types and import directions, and run the tests"
	@echo "make lint      the checks of make test without the tests"
	@echo "make nightly   the property tests with many more examples, and the tests too long for make test"
	@echo "make bench     time the back ends: benchmarks/results.json, the table in README"
	@echo "make evidence  measure every claim: docs/evidence.json, the table in README"
	@echo "make clean     remove the environment, builds, caches and the demonstration"

# torch first: norse, left to choose, takes the newest torch with all its CUDA packages.
$(INSTALLED): setup.cfg constraints.txt
	@python=$$(.ci/find-python) || exit 1; \
	$(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo "making $(VENV) with $$($$python --version)"; $$python -m venv --clear $(VENV); }
	@echo "installing the versions of constraints.txt into $(VENV) (some minutes the first time)"
	@$(PIP) install --constraint constraints.txt setuptools setuptools-scm torch
	@$(PIP) install --constraint constraints.txt --no-build-isolation --editable '.[dev]'
	@touch $@

demo: $(INSTALLED)
	@rm -rf runs/demo
	$(BIN)/spikerl run reversal --out runs/demo
	$(BIN)/spikerl report runs/demo --out runs/demo/page.html
	@echo "the page: $(CURDIR)/runs/demo/page.html"

# Types and import directions are those of the tree that a wheel holds, where models/ and hardware/ are spikerl's.
lint: $(INSTALLED)
	$(BIN)/ruff check .
	@rm -rf build
	@$(BIN)/python -c 'import setuptools; setuptools.setup()' --quiet build_py --build-lib build/tree
	cd build/tree && $(CURDIR)/$(BIN)/mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache --package spikerl
	cd build/tree && $(CURDIR)/$(BIN)/lint-imports --config ../../pyproject.toml --no-cache --no-logo

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadgroup

nightly: export HYPOTHESIS_PROFILE := nightly
nightly: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "nightly or hypothesis"

bench: $(INSTALLED)
	$(BIN)/python benchmarks/bench.py
	$(BIN)/python benchmarks/readme.py

evidence: $(INSTALLED)
	$(BIN)/python benchmarks/evidence.py
	$(BIN)/python benchmarks/readme.py

clean:
	rm -rf $(VENV) build dist spikerl.egg-info runs/demo .pytest_cache .hypothesis .mypy_cache .ruff_cache .benchmarks
