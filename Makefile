# `make` alone lists the targets. Two of them do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
export ORT_DISABLE_TELEMETRY := 1

# For `make bench`: the folder with MNIST, if it is not where `pipeline fetch mnist` puts it.
DATA ?=
MNIST := $(if $(DATA),--data-dir $(DATA))

.PHONY: help setup demo test check format serve docs bench browser clients peers lock clean
help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t12

setup:  ## make .venv with everything for use and development
	@command -v $(PYTHON) >/dev/null || { echo "numserve needs Python 3.11 or newer: there is no $(PYTHON)" >&2; exit 1; }
	@$(PYTHON) tools/environment.py

demo: setup  ## train, publish, serve and ask: the whole path on scikit-learn's digits
	@$(BIN)/python tools/demo.py

test: setup  ## the tests, under five minutes
	$(BIN)/python -m pytest -m "not slow" -n 2

check: setup  ## lint, format and types
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

format: setup  ## rewrite the code in the house's format
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

serve: setup  ## serve the shipped models at http://127.0.0.1:8000
	@exec $(BIN)/python -m service --store models

docs: setup  ## build the notes, from the perceptron to the CNN, into build/docs
	@$(BIN)/python tools/docs.py

bench: setup build/torch/.done  ## speed beside PyTorch, and accuracy, in short; DATA=FOLDER_WITH_MNIST
	$(BIN)/python benchmarks/training.py $(MNIST) --torch build/torch/bin/python --epochs 2 --images 6400
	$(BIN)/python benchmarks/accuracy.py $(MNIST) --kinds cnn --recipe fast --seeds 1

browser: .venv/.browser  ## what drives Debian's chromium, for the slow tests of the page
.venv/.browser: requirements/browser.txt | setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

clients: build/clients/.done  ## other people's clients, unmodified, for the slow tests of /v2
peers: build/peers/.done build/mlserver/.done  ## other servers of models, which benchmarks/serving.py compares with

# Environments of their own, each from one list.
build/clients/.done: tests/clients/requirements.txt
build/torch/.done: benchmarks/requirements.txt
build/peers/.done: benchmarks/peers/requirements.txt
build/mlserver/.done: benchmarks/peers/mlserver.txt
build/%/.done:
	$(PYTHON) -m venv build/$*
	build/$*/bin/python -m pip install --quiet --disable-pip-version-check -r $^
	@touch $@

lock: setup  ## write requirements/*.txt anew from pyproject.toml; UPGRADE=1 takes the newest of everything
	@$(BIN)/python tools/lock.py $(if $(UPGRADE),--upgrade)

clean:  ## remove what the targets made
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
