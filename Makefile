# `make help` lists the targets.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt
# One worker more than cores, because many tests wait for other processes. Each holds models in
# memory, hence at most 4. A module's tests stay together, so that its fixtures are made once:
# loadfile, since loadscope takes the "::" of a cast in a parameter for the end of the module.
PARALLEL := --numprocesses $$(($$(getconf _NPROCESSORS_ONLN) + 1)) --maxprocesses 4 \
	--dist loadfile --no-loadscope-reorder

# The test processes share compiled modules: several hundred start in a run.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test test-fast test-fleet test-load test-ray lint format messages lock hashes sbom clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: .venv/installed ## install everything into .venv

demo: setup ## draw, import and embed a catalogue, and open the shop on PORT (8000)
	@exec $(BIN)/python manage.py demo --port $(PORT)

test: .venv/developer ## run the tests
	$(BIN)/python -m pytest $(PARALLEL)

test-fast: .venv/developer ## run those that take about a minute, for the inner loop
	$(BIN)/python -m pytest $(PARALLEL) -m 'not (slow or process or browser or ray)'

test-fleet: .venv/developer ## search with 50 clients while parts of a fleet are killed
	FLEET=1 $(BIN)/python -m pytest -s tests/shop/test_fleet.py

test-load: .venv/developer ## serve 50 clients while the shop is rebuilt, migrated, restarted and killed
	LOAD=1 $(BIN)/python -m pytest -s tests/attack/test_load.py

test-ray: .venv/developer ## install Ray (600 MB) and run its tests
	$(PIP) --editable '.[ray]'
	$(BIN)/python -m pytest -s -m ray

lint: .venv/developer ## check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: .venv/developer ## put the code into the one format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Commands, the API and the pages for staff are in English.
messages: .venv/developer ## renew the catalogues of translations (needs GNU gettext)
	cd shop && ../$(BIN)/python ../manage.py makemessages $(patsubst shop/locale/%,--locale %,$(wildcard shop/locale/*)) \
		--no-obsolete --no-location --no-wrap --ignore 'admin/*' --ignore 'admin_*.py' --ignore 'templatetags/humane.py' --ignore 'api/*' \
		--ignore 'management/*' --ignore 'templates/admin/*' --ignore 'templates/api/*' --ignore 'templates/evaluation/*'
	cd shop && ../$(BIN)/python ../manage.py compilemessages

lock: .venv/developer ## renew constraints.txt: the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile pyproject.toml --output-file constraints.txt --quiet --upgrade --universal \
		--python-version 3.11 --fork-strategy fewest --all-extras --group dev \
		--no-annotate --custom-compile-command \
		'make lock (the tested version of every package, on any platform, with or without CUDA)'

hashes: .venv/developer ## write var/requirements.txt: constraints.txt with the hashes of all files
	@mkdir -p var
	$(BIN)/uv pip compile pyproject.toml --constraint constraints.txt --generate-hashes --universal \
		--python-version 3.11 --fork-strategy fewest --extra evaluation --no-annotate --quiet \
		--custom-compile-command 'make hashes' --output-file var/requirements.txt

sbom: .venv/developer ## write var/sbom.json: what is installed, in the format CycloneDX
	@mkdir -p var
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
		--output-file var/sbom.json $(BIN)/python

clean: ## remove the shop's data and the environment
	rm -rf var .venv "/dev/shm/catalog-search-tests-$$(id -u)-$$(printf %s "$$(pwd -P)" | sha256sum | cut -c1-8)"

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 2; }
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) --progress-bar on --editable '.[evaluation]'
	@touch $@

.venv/developer: .venv/installed
	$(BIN)/python -m pip install --quiet 'pip>=25.1'
	$(PIP) --editable '.[training]' --group dev
	@touch $@
