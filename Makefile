# The project's chores; `make test` is the README's second command.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: test check lint types unit integration reference reference-check pins install clean

test: install check unit integration ## everything, on real servers

check: lint types reference-check

install: $(VENV)/complete ## what the tests need: Python packages, servers, a browser
	sh tests/install.sh

$(VENV)/complete: pyproject.toml requirements.txt requirements-test.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-test.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	touch $@

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	shellcheck devenv tests/install.sh $$(git ls-files 'provisioning/*.sh')

types:
	$(BIN)/mypy

unit:
	$(BIN)/pytest -q tests/unit

integration:
	$(BIN)/pytest -q tests/integration

reference: ## docs/reference.md, from the models
	$(BIN)/python -m devenv.config.reference > docs/reference.md

reference-check:
	$(BIN)/python -m devenv.config.reference | diff - docs/reference.md

pins: ## renew the pinned requirements
	$(BIN)/pip-compile -q --upgrade $(PIN_OPTIONS) -o requirements.txt pyproject.toml
	$(BIN)/pip-compile -q --upgrade $(PIN_OPTIONS) --extra test -c requirements.txt -o requirements-test.txt pyproject.toml

PIN_OPTIONS := --generate-hashes --strip-extras --allow-unsafe --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
