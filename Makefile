# Every target sets up what it needs in .venv, from uv.lock; a second run finds it and starts at once.
# `make demo` and `make test` need Python 3.11 to 3.13 and make, and nothing else.

SHELL = /bin/sh
.DEFAULT_GOAL = help
.DELETE_ON_ERROR:
.SUFFIXES:

UV_VERSION = 0.13.8
SEED =
DEMO =
SIM =
EVIDENCE =
SYNTH =
BENCH =

# Compiled modules are kept: the many processes that tests and benchmarks start share them.
unexport PYTHONDONTWRITEBYTECODE

VENV = .venv
TEMPLATES = $(VENV)/templates
NETWORK = {"subnets": ["subnet-0123456789abcdef0"], "security_groups": ["sg-0123456789abcdef0"]}
BIN = $(VENV)/bin
LOCK = pyproject.toml uv.lock
FITS = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
# What another environment says of itself must not lead the installer astray.
UV = env -u VIRTUAL_ENV -u UV_PROJECT_ENVIRONMENT UV_PYTHON_DOWNLOADS=never \
  $${PIP_CERT:+SSL_CERT_FILE="$${SSL_CERT_FILE:-$$PIP_CERT}"} $(BIN)/uv
MEASURE = POLARS_MAX_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks
SYNC = $(UV) sync --frozen --inexact --quiet --python $(BIN)/python

.PHONY: help demo test check synth sim evidence bench openapi format clean

help: ## show this
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-9s%s\n", $$1, $$2}' Makefile

demo: $(VENV)/.runs ## play a wedding day on this machine: DEMO='--speed 10'
	@$(BIN)/python -m infra.demo $(DEMO)

test: $(VENV)/.develops ## run the tests
	@$(BIN)/python -m pytest -n auto --dist loadgroup

check: $(VENV)/.develops ## format, lint, types, imports, dead code, dependencies, templates
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/deptry .
	@rm -rf $(TEMPLATES)
	@$(BIN)/python app.py --no-bundling --output $(TEMPLATES)/dev
	@$(BIN)/python app.py --no-bundling --output $(TEMPLATES)/prod \
	  -c stage=prod -c history=influxdb3 -c influxdb3='$(NETWORK)'
	$(BIN)/cfn-lint '$(TEMPLATES)/*/*.template.json'

synth: $(VENV)/.develops ## write the CloudFormation templates to cdk.out, and lint them: SYNTH=--no-bundling
	@$(BIN)/python app.py --output cdk.out $(SYNTH)
	@$(BIN)/cfn-lint 'cdk.out/*.template.json'

sim: $(VENV)/.develops ## run the whole path under faults, then die at every change; SEED=7 replays one seed
	@$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED)) $(SIM)

evidence: $(VENV)/.develops ## what alerting finds, and how fast points are: EVIDENCE='--first-seed 7 --seeds 3'
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.evidence $(EVIDENCE); alerting=$$?; \
	  $(MEASURE) --evidence $(BENCH) && exit $$alerting

bench: $(VENV)/.develops ## measure, beside references: BENCH=--quick
	@$(MEASURE) $(BENCH)

openapi: $(VENV)/.develops ## write docs/openapi.json from the declarations
	@$(BIN)/python -m infra.openapi

format: $(VENV)/.develops ## format, and fix what can be fixed safely
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what the targets made, .venv with it
	rm -rf $(VENV) cdk.out build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.uv-$(UV_VERSION):
	@python=; for each in python3 python3.13 python3.12 python3.11; do \
	  if "$$each" -c '$(FITS)' 2>/dev/null; then python=$$each; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "WedSync needs Python 3.11, 3.12 or 3.13; found: $$(python3 --version 2>/dev/null || echo none)." >&2; \
	  echo "Install one so that python3, python3.13, python3.12 or python3.11 runs it, and try again." >&2; \
	  exit 1; \
	fi; \
	if [ ! -e $(BIN)/python ] || ! $(BIN)/python -c '$(FITS)' 2>/dev/null; then \
	  echo "Setting up $(VENV) with $$("$$python" --version) …"; \
	  "$$python" -m venv --clear $(VENV) || { \
	    echo "This Python cannot make environments; on Debian and Ubuntu: apt install python3-venv" >&2; \
	    exit 1; \
	  }; \
	fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

$(VENV)/.runs: $(VENV)/.uv-$(UV_VERSION) $(LOCK)
	@echo "Installing what the server and the demo need …"
	@$(SYNC) --no-default-groups --group local
	@touch $@

$(VENV)/.develops: $(VENV)/.uv-$(UV_VERSION) $(LOCK)
	@echo "Installing what runs, tests and checks …"
	@$(SYNC)
	@touch $@ $(VENV)/.runs
