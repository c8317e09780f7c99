# The two commands of the README are `make sandbox` and `make test`; both need Python 3.11 or newer and nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PORT ?= 8080

.PHONY: help sandbox test lint types contracts migrations tests bench lock clean

help:
	@echo "make sandbox   run Registrar against a local Slack on http://127.0.0.1:$(PORT)"
	@echo "make test      lint, types, import contract, migrations and tests"
	@echo "make bench     the benchmarks, side by side with their peers"
	@echo "make lock      resolve pyproject.toml into requirements.lock again"

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Registrar needs Python 3.11 or newer; set PYTHON=/path/to/python3")'
	$(PYTHON) -m venv $(VENV)
	@# The lock names everything: a resolver could only take what is newer than the lock, and fail.
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

sandbox: $(STAMP)
	$(BIN)/registrar sandbox --port $(PORT)

test: lint types contracts migrations tests

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell bot tests README.md CHANGELOG.md

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports

migrations: $(STAMP)
	$(BIN)/pytest -q -p no:cacheprovider tests/store/test_migrations.py

tests: $(STAMP)
	$(BIN)/pytest -n 2

bench: $(STAMP)
	$(BIN)/python -m tests.bench

lock:
	uv pip compile --universal --python-version 3.11 --extra dev --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" -q -o requirements.lock pyproject.toml

clean:
	rm -rf $(VENV)
