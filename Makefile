# make figure2 and make test set up .venv from the pinned lock first, where it is missing or older than the lock.
VENV ?= .venv
BIN := $(VENV)/bin
# The first of these that is there, and that can make an environment.
SUPPORTED := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
NAMES := python3.11 python3.12 python3.13 python3
runs = $(if $(1),$(shell $(1) -c '$(SUPPORTED)' >/dev/null 2>&1 && echo $(1)))
PYTHON ?= $(firstword $(foreach name,$(NAMES),$(call runs,$(name))))
NO_PYTHON = $(if $(PYTHON),$(PYTHON) is not,none of $(NAMES) is) a Python 3.11, 3.12 or 3.13 with its module venv: install one \
(Debian: apt install python3 python3-venv), or say where one is: make PYTHON=/path/to/python3.12

ifneq ($(words $(CURDIR)),1)
$(error snakemake cannot run jobs from a path with spaces: move this checkout, $(CURDIR))
endif

.PHONY: figure2 install smoke test quick lint docs format clean

figure2: $(VENV)/ready
	$(BIN)/snakemake results/figure2.pdf --cores all
	@echo "open results/figure2.pdf"

# The environment, and no more.
install: $(VENV)/ready

# The whole study in small, again each time. With another Python, in an environment of its own:
# make smoke PYTHON=python3.13 VENV=.venv-3.13
smoke: $(VENV)/ready
	$(BIN)/snakemake --cores all --forceall --configfile config/smoke.yaml

LINT := $(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports --no-logo --no-cache && \
    $(BIN)/snakefmt --check Snakefile workflow/rules && $(BIN)/snakemake --lint

# Three processes, each with a file of tests at a time; they often wait, for Slurm most of all.
PYTEST := $(BIN)/pytest --dist loadfile --no-loadscope-reorder

test: lint
	$(PYTEST) --numprocesses 3

# What takes about a minute: the tests that are not marked slow, and beside them the linters, which have their say
# at the end.
quick: $(VENV)/ready
	@said=$$(mktemp); ($(LINT)) >"$$said" 2>&1 & linters=$$!; \
	$(PYTEST) --numprocesses 2 -m "not slow"; tests=$$?; \
	wait $$linters; linted=$$?; cat "$$said"; rm "$$said"; exit $$((tests | linted))

lint: $(VENV)/ready
	$(LINT)

# The documentation as a site: open site/index.html.
docs: $(VENV)/ready
	$(BIN)/zensical build --clean --strict

format: $(VENV)/ready
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow/rules

# One that was not finished starts again from nothing: pip takes a package for whole that it left without half of its
# files, and pip check finds nothing wrong with it.
$(VENV)/ready: envs/requirements.lock pyproject.toml
	@[ "$(call runs,$(PYTHON))" ] || { echo "$(NO_PYTHON)"; exit 1; } >&2
	@echo "sets up $(VENV) with the $$(grep -c == $<) packages of $<: 6 GB on disk, a download of 3 GB unless pip has it"
	@echo "in its cache; takes about 2 minutes, and longer where the download does"
	[ ! -e $(VENV).unfinished ] || rm -rf $(VENV)
	touch $(VENV).unfinished
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement envs/requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	rm $(VENV).unfinished
	touch $@

# Results stay: they may have taken weeks.
clean:
	rm -rf .venv .venv.unfinished .venv-* .pytest_cache .ruff_cache .cache site workflow/*.egg-info
