# Everything runs in .venv, which these targets create. `make help` lists them.
# Paths are relative, so the folder may stand anywhere, also under a name with spaces.

PYTHON ?= python3
UV_VERSION := 0.13.9
PY := .venv/bin/python
# Compiled here once, and not by every process that starts.
UV := $(PY) -m uv pip install --quiet --compile-bytecode --python $(PY)

.DEFAULT_GOAL := help
.PHONY: help install up test lint format types bench faults fuzz catalog lock clean

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

install: .venv/stamp-run ## Create .venv and install what `make up` needs

up: .venv/stamp-run ## Start the hub with all its servers on http://localhost:9380; Ctrl-C stops it
	@$(PY) -m llmhub.up

test: .venv/stamp-dev ## Run the whole test suite on embedded servers (ARGS="tests/up -x" narrows it)
	@$(PY) -m pytest $(ARGS)

lint: .venv/stamp-dev ## Check the style and the formatting of the code
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

format: .venv/stamp-dev ## Rewrite the code in the project's format
	@$(PY) -m ruff check --fix-only --quiet .
	@$(PY) -m ruff format .

# Both read the settings and reach no server; these values parse and lead nowhere.
types catalog: export DATABASE_URL := postgresql://types@127.0.0.1/types
types catalog: export REDIS_URL := redis://127.0.0.1/0
types catalog: export SECRET_KEY := types
types catalog: export FERNET_KEYS := AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
types catalog: export DJANGO_SETTINGS_MODULE := llmhub.settings
types: .venv/stamp-dev ## Check the types with mypy
	@$(PY) -m mypy

catalog: .venv/stamp-dev ## Refresh the catalog's files (ARGS="--litellm WHEEL"; see docs/catalog.md)
	@$(PY) -m tools.catalog $(ARGS)

bench: .venv/stamp-dev ## Measure what docs/performance.md reports (ARGS picks one)
	@$(PY) -m bench $(ARGS)

faults: .venv/stamp-dev ## Kill processes of a running hub and compare the books (ARGS="1 13" picks promises)
	@$(PY) -m tests.faults $(ARGS)

fuzz: .venv/stamp-dev ## Send what schemathesis makes of the descriptions to a hub of its own (ARGS=MINUTES)
	@$(PY) -m tests.fuzz $(ARGS)

lock: .venv/stamp-uv-$(UV_VERSION) ## Pin the requirements of pyproject.toml anew
	@$(PY) -m uv pip compile --quiet --upgrade --no-header --no-annotate --no-emit-index-url pyproject.toml -o requirements.txt
	@$(PY) -m uv pip compile --quiet --upgrade --no-header --no-annotate --no-emit-index-url -c requirements.txt --extra dev pyproject.toml -o requirements-dev.txt

clean: ## Remove the environment and the caches; the data under var/ stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

# A stamp is newer than what it was made from, so a second run costs nothing.

.venv/stamp-uv-$(UV_VERSION):
	@command -v $(PYTHON) >/dev/null || { echo "llm-hub: $(PYTHON) is not installed; LLM Hub needs Python 3.11 or newer (or set PYTHON=/path/to/python)." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "llm-hub: $(PYTHON) is $$($(PYTHON) -V 2>&1); LLM Hub needs Python 3.11 or newer (or set PYTHON=/path/to/python)." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "llm-hub: $(PYTHON) cannot make virtual environments; install its venv module (on Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; }
	@echo "Creating .venv with $$($(PYTHON) -V)"
	@$(PYTHON) -m venv --clear .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/stamp-run: .venv/stamp-uv-$(UV_VERSION) requirements.txt requirements-embedded.txt
	@echo "Installing the packages of requirements.txt"
	@$(UV) -r requirements.txt
	@$(UV) --no-deps -r requirements-embedded.txt
	@touch $@

.venv/stamp-dev: .venv/stamp-run requirements-dev.txt
	@echo "Installing the packages of requirements-dev.txt"
	@$(UV) -r requirements-dev.txt
	@touch $@
