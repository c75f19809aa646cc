# make demo   the main job on an embedded sample, results in demo-output/
# make test   the tests; DISCERN_FULL=1 adds training (PyTorch) and forbids skipping its tests
# make check  style, types, import contracts
PYTHON ?= $(firstword $(foreach v,python3.11 python3.12 python3.13 python3.14 python3 python,$(if $(shell $(v) -c 'import sys; print(sys.version_info >= (3, 11))' 2>/dev/null | grep True),$(v))))
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --max-worker-restart 0 --dist loadfile
FIRST_PART := tests/inference tests/node tests/pacs tests/reporting tests/dicomweb tests/imaging

.PHONY: demo test check train-extra clean

demo: .venv/core
	$(BIN)/discern demo --out demo-output

# In two parts: a worker that ran for more than twelve minutes has died without a word.
test: .venv/dev $(if $(DISCERN_FULL),.venv/train)
	$(PYTEST) $(FIRST_PART)
	$(PYTEST) $(FIRST_PART:%=--ignore=%)

check: .venv/dev .venv/train
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.venv/python:
	@test -n "$(PYTHON)" || { echo "Discern needs Python 3.11 or newer on the PATH; install it, or name one: make PYTHON=/path/to/python3"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments (venv or ensurepip is missing)."; echo "Remedy on Debian and Ubuntu: sudo apt install python3-venv    elsewhere: install Python from python.org"; exit 2; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/core: .venv/python pyproject.toml constraints.txt
	$(PIP) --editable .
	@touch $@

.venv/dev: .venv/core
	$(PIP) --editable '.[dev]'
	@touch $@

.venv/train: .venv/dev
	$(PIP) --editable '.[train]'
	@touch $@

train-extra: .venv/train

clean:
	rm -rf .venv demo-output
