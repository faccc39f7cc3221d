# nemesis-sweep: `make help` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SWEEP ?= search_spaces/pan.yaml
HOME_DIR ?=

.DEFAULT_GOAL := help
.PHONY: help sweep test test-units test-cluster test-gpu test-all lint ui clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $(READY)

sweep: $(READY) ## Run a real sweep on what ships with the package (TRIALS=4 makes it short)
	$(BIN)/nemesis-sweep run $(SWEEP) --extend $(if $(TRIALS),--trials $(TRIALS)) $(if $(HOME_DIR),--home $(HOME_DIR))

test: $(READY) ## Run the tests
	@# Side by side, as those that start a cluster mostly wait.
	$(MAKE) --no-print-directory -j 2 test-units test-cluster

test-units: $(READY)
	@# Nicer than Ray's workers, which would starve beside a test on every processor.
	nice -n 19 $(BIN)/python -m pytest -q --durations=5 -n logical --maxprocesses 4 --dist loadfile -m "not slow and not cluster"

test-cluster: $(READY)
	$(BIN)/python -m pytest -q --durations=5 -m "cluster and not slow"

test-gpu: $(READY) ## Run the tests that need a GPU
	@$(BIN)/python -c 'import sys, torch; torch.cuda.is_available() or sys.exit("make test-gpu: torch finds no GPU on this machine")'
	$(BIN)/python -m pytest -q --durations=5 -m gpu

test-all: $(READY) ## Run the tests, the long ones too
	$(BIN)/python -m pytest -q

lint: $(READY) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

ui: $(READY) ## Open the MLflow pages of the newest sweep on this machine
	$(BIN)/nemesis-sweep ui $(HOME_DIR)

clean: ## Remove the environment and caches; sweeps stay
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
