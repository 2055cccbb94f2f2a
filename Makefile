SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
DATA ?=
MODEL ?= application
STAGE ?= dev
SIMULATED ?=
SINCE ?=
export PYTHONHASHSEED := 0

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## make .venv with all that the other targets need

$(VENV)/.ready: requirements-dev.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv==0.13.9'
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.txt
	@touch $@

lock: setup ## write requirements.txt and requirements-dev.txt anew from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command 'make lock' pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command 'make lock' --extra dev --extra browser pyproject.toml -o requirements-dev.txt

run: setup ## the whole platform on this machine at http://127.0.0.1:$(PORT)
	@$(BIN)/python -m infra.local --port $(PORT) --state .whitenote

demo: setup ## the whole story, unattended, on a throw-away platform (DATA= for real applications)
	@$(BIN)/python -m infra.demo $(if $(DATA),--data $(DATA))

style: setup
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>&1 | tail -n 4

check: style ## the quick part, under a minute: style, types, imports, unit tests, properties on fewer examples
	@$(BIN)/python -m pytest -q -n 2 --hypothesis-profile quick tests/unit tests/property

test: style ## everything: style, types, imports and every kind of test
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup tests

campaign: setup ## the long fault and load runs
	@$(BIN)/python -m pytest -q -m slow --run-slow tests

train: setup ## train a model: make train MODEL=application|behavior DATA=file.csv
	@$(BIN)/python -m model_artifacts.training --model $(MODEL) --data $(DATA)

retrain: setup ## a challenger from the platform's own outcomes, or from made-up people: make retrain SIMULATED=5000
	@$(BIN)/python -m model_artifacts.training.retrain --model $(MODEL) $(if $(SIMULATED),--simulated $(SIMULATED))

model-report: setup ## an HTML page on a model with its plots; DATA=file.csv measures it on those rows
	@$(BIN)/python -m model_artifacts.training.page --model $(MODEL) $(if $(DATA),--data $(DATA))

bench: setup ## our speed beside its peers; writes build/bench.json
	@$(BIN)/python -m tests.benchmarks

openapi: setup ## write openapi.yaml and the generated parts of docs/integration.md anew from the code
	@$(BIN)/python -m infra.openapi
	@$(BIN)/python -m infra.guide

examples: setup ## play the story of the API and write its examples anew (infra/examples.json)
	@WRITE_EXAMPLES=1 $(BIN)/python -m pytest -q tests/integration/pages/test_examples.py

republish: setup ## tell the bus anew what items last told: make republish SINCE=2026-11-22T00:00:00Z (WHITENOTE_* name the stage)
	@$(BIN)/python -m functions.platform.bus.republish $(SINCE)

package: setup ## the Lambda zips and the template, under build/package
	@$(BIN)/python -m infra.package

deploy: setup ## package and deploy to AWS: make deploy STAGE=dev
	@$(BIN)/python -m infra.deploy --stage $(STAGE)

.PHONY: help setup lock run demo style check test campaign train retrain model-report bench openapi examples republish package deploy
