# make figure2 and make test set up .venv from the pinned lock first, where it is missing or older than the lock.
PYTHON ?= python3.11
BIN := .venv/bin

ifneq ($(words $(CURDIR)),1)
$(error snakemake cannot run jobs from a path with spaces: move this checkout, $(CURDIR))
endif

.PHONY: figure2 test lint format clean

figure2: .venv/ready
	$(BIN)/snakemake results/figure2.pdf --cores all
	@echo "open results/figure2.pdf"

# Two processes, each with a file of tests at a time; those on a Slurm first, which mostly wait.
test: lint
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder tests/slurm tests

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/snakemake --lint

format: .venv/ready
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow/rules

.venv/ready: envs/requirements.lock pyproject.toml
	@echo "sets up .venv with the $$(grep -c == $<) packages of $<: 6 GB on disk, a download of 3 GB unless pip has it"
	@echo "in its cache; takes about 2 minutes, and longer where the download does"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --requirement envs/requirements.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@

# Results stay: they may have taken weeks.
clean:
	rm -rf .venv .pytest_cache .ruff_cache workflow/*.egg-info
