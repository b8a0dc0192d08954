# `make search` and `make test` are all that is needed after a clone: each creates the virtual
# environment and installs what it uses, and a second call goes straight to the work.

PYTHON ?= python3.11
VENV ?= .venv
# One process a core, one thread each: linear algebra on matrices this small gains nothing
# from more, and several pools of threads on the same cores lose a lot.
export OMP_NUM_THREADS ?= 1
PYTEST ?= $(BIN)/python -m pytest --numprocesses auto --dist worksteal
# CI measures coverage, too; traced, the suite takes a quarter longer.
COVERAGE ?= $(if $(CI),--cov --cov-report=term)

BIN := $(VENV)/bin
CREATED := $(VENV)/.created
BARE := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
REFERENCES := $(VENV)/.installed-references
OLDEST := $(VENV)-oldest
PACKAGED := $(VENV)-package
NOTEBOOKS := $(patsubst %.py,%.ipynb,$(wildcard tutorials/*.py))

.PHONY: help search test test-oldest lint format benchmark tutorials docs docs-open docs-links docs-commands package clean
.DEFAULT_GOAL := help
# Two installations into one environment at the same time would break it.
.NOTPARALLEL:

help:
	@echo "make search      search graph neural networks on NAS-Bench-Graph citeseer (runs/first)"
	@echo "make test        what CI checks: lint, types, import floors, tests, tutorials"
	@echo "                 (CI=true make test: and that the tests cover 90 % of the lines)"
	@echo "make lint        ruff, mypy, import-linter"
	@echo "make format      rewrite the sources as ruff wants them, and what is written from them"
	@echo "make test-oldest the same tests, but the slow ones, with the oldest packages that are allowed"
	@echo "make package     build the wheel and the sdist, and try both"
	@echo "make benchmark   time the search through Ax against the same loop without it"
	@echo "make tutorials   run the notebooks again and keep their new outputs"
	@echo "make docs        build the site in docs/_build/html (DOCS_OFFLINE=1: no links to other projects)"
	@echo "make docs-open   build it and open it in a browser"
	@echo "make docs-links  follow its links (DOCS_OFFLINE=1: those inside only)"
	@echo "make docs-commands  run every block of README and of the pages in docs/do"
	@echo "make clean       remove the virtual environment and every cache"
	@echo "PYTHON=python3.12 before or after any of them takes another interpreter."

$(CREATED):
	@command -v $(PYTHON) >/dev/null || { \
	  echo "$(PYTHON) was not found: install Python 3.11, or name another: make PYTHON=python3.12"; \
	  exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	touch $@

# torch and all that depends on it in one run of the resolver, so that they fit together.
$(BARE): $(CREATED) pyproject.toml
	$(BIN)/python -m pip install --editable .
	touch $@

$(DEV): $(CREATED) pyproject.toml
	$(BIN)/python -m pip install --editable ".[dev,all]"
	touch $@ $(BARE)

$(REFERENCES): $(CREATED) pyproject.toml
	$(BIN)/python -m pip install --editable ".[dev,baselines]" baybe
	touch $@ $(BARE)

# A second call shows the run of the first one again.
search: $(BARE)
	@if [ -d runs/first ]; then $(BIN)/ax-anasod resume runs/first; else \
	  $(BIN)/ax-anasod search --benchmark nas-bench-graph --dataset citeseer \
	    --strategy two-level-bo --trials 100 --seed 0 --out runs/first; fi
	@echo "report: runs/first/report.html"

test: lint
	$(PYTEST) $(COVERAGE)

# An environment of its own, since it downgrades nearly everything.
test-oldest:
	$(PYTHON) -m venv --clear $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet uv
	$(OLDEST)/bin/uv pip install --python $(OLDEST) --resolution lowest-direct --editable ".[dev,all]"
	$(OLDEST)/bin/python -m pytest --numprocesses auto --dist worksteal -m "not slow"

# The wheel must work outside the checkout, and the tests of the sdist must pass inside it.
package: $(DEV)
	rm -rf dist build/sdist $(PACKAGED)
	$(BIN)/python -m pip install --quiet build twine
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*
	$(PYTHON) -m venv $(PACKAGED)
	$(PACKAGED)/bin/python -m pip install --quiet "$$(ls dist/*.whl)[dev,all]"
	mkdir -p build/sdist
	cd build && ../$(PACKAGED)/bin/ax-anasod search --benchmark nas-bench-graph --dataset cora \
	  --strategy two-level-bo --trials 12 --seed 0
	tar -xzf dist/*.tar.gz --strip-components 1 -C build/sdist
	cd build/sdist && ../../$(PACKAGED)/bin/python -m pytest --numprocesses auto --dist worksteal \
	  -m "not slow"

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -c "from ax_anasod.cli.catalogue import write_strategies; write_strategies()"

benchmark: $(REFERENCES)
	$(BIN)/python benchmarks/overhead.py

tutorials: $(DEV)
	$(BIN)/jupytext --to ipynb --update $(NOTEBOOKS:.ipynb=.py)
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace \
	  --ExecutePreprocessor.record_timing=False $(NOTEBOOKS)

docs: $(DEV)
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

# Links inside are followed by the build itself, which stops at one that leads nowhere.
docs-links: docs
	@if [ -n "$(DOCS_OFFLINE)" ]; then \
	  echo "links inside: all lead somewhere; links to other sites: not run (DOCS_OFFLINE)"; \
	else $(BIN)/sphinx-build -q -b linkcheck docs docs/_build/linkcheck; fi

docs-commands: $(DEV)
	$(BIN)/python docs/run_blocks.py

docs-open: docs
	$(BIN)/python -m webbrowser docs/_build/html/index.html

clean:
	rm -rf $(VENV) $(OLDEST) $(PACKAGED) build dist docs/_build docs/_generated .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
