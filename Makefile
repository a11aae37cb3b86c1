# Everything a fresh machine needs is python3 (with venv) and make.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo test lint schemas bench faults soak clean

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

install: .venv/installed

demo: .venv/installed ## plan, build and re-build the brand kit on the embedded emulator: no key, nothing billed
	@$(BIN)/python -m tests.support.demo

test: .venv/installed ## every test but the long ones
	$(BIN)/python -m pytest

lint: .venv/installed ## style and strict types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

schemas: .venv/installed ## schemas/, made from the records
	$(BIN)/python -m tests.support.schemas
	$(BIN)/python -m tests.emulator.descriptions

bench: .venv/installed ## ratios against peers, written to tests/benchmarks/results
	$(BIN)/python -m tests.benchmarks.run
	$(BIN)/python -m tests.benchmarks.emulator

faults: .venv/installed ## what faults cost seedpipe, and a plain loop with the openai SDK: docs/faults.md
	$(BIN)/python -m tests.benchmarks.faults

soak: .venv/installed ## the long runs
	$(BIN)/python -m pytest -m soak --timeout 3000

clean:
	rm -rf .venv build dist demo .mypy_cache .pytest_cache .ruff_cache
