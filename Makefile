# `make demo` and `make test` set up their own virtual environment; Python 3.11 or newer and make are enough.
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(shell command -v $(name) >/dev/null 2>&1 && $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test check clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.user
	$(BIN)/judgekit demo
	@echo "(judgekit is in $(BIN): . $(BIN)/activate)"

test: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n auto --dist loadfile

# What CI holds besides the tests: lint, format, types, layers, generated pages.
check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

$(VENV)/.user: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@ $(VENV)/.user

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "judgekit needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
