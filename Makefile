# The commands of the project; each sets up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
AZURITE := tests/azurite/node_modules/.ready
KUSTO := tests/kusto/node_modules/.ready

.PHONY: setup demo test lint up bench chaos compat package sbom infra
.DEFAULT_GOAL := test

$(STAMP): requirements-dev.txt pyproject.toml
	@echo "Setting up $(VENV) ..."
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Where it cannot be had, this says so and the tests that need it are skipped.
$(AZURITE): tests/azurite/package.json tests/azurite/package-lock.json | $(STAMP)
	@$(BIN)/python -m tests.azurite

$(KUSTO): tests/kusto/package.json tests/kusto/package-lock.json | $(STAMP)
	@$(BIN)/python -m tests.kusto

setup: $(STAMP)

demo: $(STAMP)
	@$(BIN)/python -m simulator.demo

STORE ?= file

up: $(STAMP) $(if $(filter azurite,$(STORE)),$(AZURITE))
	@$(BIN)/python -m simulator.up $(STORE)

test: $(STAMP) $(AZURITE) $(KUSTO)
	$(BIN)/python -m pytest -n 2 $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What the templates read, from the controls and the policy as they are now
infra: $(STAMP)
	@$(BIN)/python -m infra.generate

SEEDS ?= 50

chaos: $(STAMP)
	@$(BIN)/python -m tests.chaos --seeds $(SEEDS)

# Other people's tools, each in an environment of its own below .compat; TOOLS="az custodian prowler"
compat: $(STAMP)
	@$(BIN)/python -m tests.compat $(TOOLS)

# All of them, or some: PARTS="sweep rates"
bench: $(STAMP)
	@$(BIN)/python -m benchmarks $(PARTS)

# The zip that is deployed, and how large it is with what it needs
package: $(STAMP)
	@$(BIN)/python -m infra.package

# What is deployed beside our own code, as CycloneDX
sbom: $(STAMP)
	@$(BIN)/python -m infra.sbom
