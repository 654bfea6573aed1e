# What a person and CI run. `make demo` and `make test` do all the set-up on a new Debian machine: Python 3.11 and make
# are enough.
PYTHON ?= python3
TRIALS ?= 12
BIN := .venv/bin
OURS := proto controller sandbox plugins images tests examples docs
EXAMPLE := examples/tinygpt
CORPUS ?= tests/lint-corpus
ONLY ?=
JOBS ?= 2
WORKERS ?= 3

.PHONY: env engine demo test bench bench-gate format lint protos clean
.DEFAULT_GOAL := env

env: .venv/.made-from

# Made again when pyproject.toml changes. Installing by --group needs a newer pip than Debian's.
.venv/.made-from: pyproject.toml
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && apt-get update -q && apt-get install -q -y --no-install-recommends python3-venv; } \
	  || { echo "$(PYTHON) cannot make environments: install its venv package (python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[controller]' --group dev
	@touch $@

# Leaves an engine that answers alone; installs and starts the distribution's where none does and this is root.
engine: env
	$(BIN)/nightlab engine ensure

demo: engine
	@if [ -f $(EXAMPLE)/prepare.sh ]; then PYTHON=$(CURDIR)/$(BIN)/python bash $(EXAMPLE)/prepare.sh; fi
	$(BIN)/nightlab run $(EXAMPLE) --trials $(TRIALS)

test: engine lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(PYTEST_ARGS)

bench: engine
	$(BIN)/python -m nightlab.controller.bench

# CORPUS=DIR is another corpus, ONLY=TEXT a part of it, JOBS how many cases run at a time. The wheels are fetched once.
bench-gate: engine
	PYTHON=$(CURDIR)/$(BIN)/python bash $(EXAMPLE)/prepare.sh
	$(BIN)/python -m nightlab.controller.bench.gate --corpus '$(CORPUS)' --only '$(ONLY)' --jobs $(JOBS) --wheels $(EXAMPLE)/wheels

format: env
	$(BIN)/ruff format $(OURS)
	$(BIN)/ruff check --fix $(OURS)

lint: env
	$(BIN)/ruff format --check $(OURS)
	$(BIN)/ruff check $(OURS)
	$(BIN)/mypy
	cd proto && ../$(BIN)/buf lint

# Writes the generated code anew; commit what changes.
protos: env
	bash proto/generate.sh

clean:
	rm -rf .venv .venv-protoc .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
