# make figure2 and make test set up .venv from the pinned lock first, where it is missing or older than the lock.
PYTHON ?= python3.11
BIN := .venv/bin

ifneq ($(words $(CURDIR)),1)
$(error snakemake cannot run jobs from a path with spaces: move this checkout, $(CURDIR))
endif

.PHONY: figure2 test quick lint format clean

figure2: .venv/ready
	$(BIN)/snakemake results/figure2.pdf --cores all

# Three processes, each with a file of tests at a time; the one that is on a Slurm mostly waits.
PYTEST := $(BIN)/pytest --dist loadfile --no-loadscope-reorder

test: lint
	$(PYTEST) --numprocesses 3

# What takes a minute: linters, and the tests that are not marked slow.
quick: lint
	$(PYTEST) --numprocesses 2 -m "not slow"

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint

format: .venv/ready
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow/rules

.venv/ready: envs/requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --requirement envs/requirements.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@

# Results stay: they may have taken weeks.
clean:
	rm -rf .venv .pytest_cache .ruff_cache workflow/*.egg-info
