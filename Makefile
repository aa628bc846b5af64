# Everything is installed into the checkout (.uv, .venv); nothing global. `make help` lists the targets.
# The first of these that is Python 3.11 to 3.13; `make PYTHON=/path/to/python` takes another.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$name && break; done)
UV_HOME := .uv
UV := $(UV_HOME)/bin/uv
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LOCKS := requirements
COMPILE := $(UV) pip compile pyproject.toml --universal --generate-hashes --only-binary :all: --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet
# sqlfluff with a garbage collection per 100,000 new objects: at Python's 700, a third of the lint is spent looking at dbt's manifest.
SQLFLUFF := $(BIN)/python -c "import gc, sys; gc.set_threshold(100_000); from sqlfluff.cli.commands import cli; sys.exit(cli())"
DBT_CHECK := BLIN_WAREHOUSE=$(CURDIR)/data/lint/warehouse.duckdb DBT_TARGET_PATH=$(CURDIR)/data/lint/target DBT_LOG_PATH=$(CURDIR)/data/lint/logs

export UV_CACHE_DIR := $(CURDIR)/.uv/cache
export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false

.PHONY: help install demo ui test check docs lint format codegen lock clean

help: ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(UV):
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed (make PYTHON=/path/to/python)"; exit 2; }
	@$(PYTHON) -m venv $(UV_HOME)
	@$(UV_HOME)/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: 'uv>=0.13,<0.14'

$(INSTALLED): requirements/dev.txt pyproject.toml | $(UV)
	@echo "Installing from requirements/dev.txt (hashes checked, wheels only)"
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	@$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes --only-binary :all: requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --no-index -e .
	@touch $@

install: $(INSTALLED) ## Install everything from the lock into .venv

demo: $(INSTALLED) ## Synthetic registry over real HTTP through the whole pipeline, into data/
	@$(BIN)/blin demo

ui: $(INSTALLED) ## Dagster UI of the home folder on 127.0.0.1
	@$(BIN)/blin ui

test: $(INSTALLED) ## The whole suite: lint, types, rooms, unit, dbt, end to end, browser
	@$(MAKE) --no-print-directory lint-python lint-docker lint-lock
	@$(MAKE) --no-print-directory -j 2 lint-sql suite

check: $(INSTALLED) ## Fast inner loop: lint, types, rooms and the quick tests
	@$(MAKE) --no-print-directory lint-python
	@BLIN_PROOF=quick $(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow" -q

docs: $(INSTALLED) ## The tables as one page: lineage, columns, checks; no data
	@$(BIN)/blin docs

# Beside the SQL lint: neither fills two cores alone.
.PHONY: suite
suite: $(INSTALLED)
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --durations 12

.PHONY: lint-python lint-sql lint-docker lint-lock
lint: $(INSTALLED) lint-python lint-sql lint-docker lint-lock ## Lint and type check everything, and that lock and generated files are fresh

lint-python:
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

lint-sql:
	@mkdir -p data/lint
	@$(DBT_CHECK) $(SQLFLUFF) lint --processes 0 dbt_project/models dbt_project/tests

lint-docker:
	@$(BIN)/yamllint --strict docker .pre-commit-config.yaml

# Existing pins are kept when they still satisfy pyproject.toml, so only a stale lock differs.
lint-lock: $(UV)
	@mkdir -p data/lint/requirements && cp requirements/* data/lint/requirements/
	@$(MAKE) --no-print-directory lock LOCKS=data/lint/requirements
	@sed -i.bak 's,-c data/lint/requirements/,-c requirements/,' data/lint/requirements/*.txt && rm data/lint/requirements/*.bak
	@diff -r requirements data/lint/requirements >/dev/null || \
		{ echo "requirements/ does not follow pyproject.toml: run make lock and commit"; exit 1; }

format: $(INSTALLED) ## Format Python and SQL
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@mkdir -p data/lint
	@$(DBT_CHECK) $(SQLFLUFF) fix dbt_project/models dbt_project/tests

codegen: $(INSTALLED) ## Renew the dbt files that are made from the registry's files
	@$(BIN)/python -m blin_pipeline.registry.dbt_macros dbt_project/macros/generated/registry.sql
	@$(BIN)/python -m blin_pipeline.registry.dbt_docs dbt_project/models/staging/redcap
	@$(BIN)/python -m blin_pipeline.registry.codelist blin_pipeline/registry/study/seeds/dictionary_codelist.csv
	@cp blin_pipeline/registry/study/seeds/*.csv dbt_project/seeds/

lock: $(UV) ## Renew the lock files (dev first: run must agree with it)
	@$(COMPILE) --extra dev -o $(LOCKS)/dev.txt
	@$(COMPILE) -c $(LOCKS)/dev.txt -o $(LOCKS)/run.txt
	@$(subst pyproject.toml,requirements/build.in,$(COMPILE)) -c $(LOCKS)/dev.txt -o $(LOCKS)/build.txt

clean: ## Remove what make installed and built, but not data/
	@rm -rf $(VENV) $(UV_HOME) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist
