# `make help` lists the targets.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
# Each worker holds models in memory, hence not one for each of many cores. A module's tests stay
# together, so that its fixtures are made once.
PARALLEL := --numprocesses logical --maxprocesses 4 --dist loadscope --no-loadscope-reorder

.PHONY: help setup demo test lint format clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

setup: .venv/installed ## install everything into .venv

demo: setup ## draw, import and embed a catalogue, and open the shop on PORT (8000)
	@exec $(BIN)/python manage.py demo --port $(PORT)

test: .venv/developer ## run the tests
	$(BIN)/python -m pytest $(PARALLEL)

lint: .venv/developer ## check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: .venv/developer ## put the code into the one format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean: ## remove the shop's data and the environment
	rm -rf var .venv

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 2; }
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --progress-bar on --constraint constraints.txt --editable .
	@touch $@

.venv/developer: .venv/installed
	$(BIN)/python -m pip install --quiet 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev
	@touch $@
