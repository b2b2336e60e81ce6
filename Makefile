# The commands of the course. `make` alone lists them.
#
# Everything runs in .venv, which the first command creates from requirements.lock. To use another
# Python: make clean, then make lab PYTHON=python3.12

PYTHON ?= python3
LAB_ARGS ?=
LOCK_ARGS ?=
BENCH_ARGS ?=
TABLE_ARGS ?=
MODULES ?=

VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready
PARITY := .venv-parity
PIP_INSTALL := -m pip install --quiet --quiet --disable-pip-version-check
# The last ones take longest: they begin, so that no worker waits at the end.
NOTEBOOKS = $(shell ls -r notebooks/*.ipynb)
START := notebooks/00_start_here.ipynb
# A picture in it shows milliseconds of this machine.
MEASURED := 06a_minibatches.ipynb
BROWSER := tests/browser -rfEs --durations=15
# Two servers and two browsers; the tests of one notebook stay together.
TWO_BROWSERS := --numprocesses=2 --dist=loadscope

.DEFAULT_GOAL := help
.PHONY: help lab test slow claims parity terms lint notebooks browser browser-all lab-table bench \
    bench-training two-builds wheel-test lock clean

help: ## List these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F '|' '{ printf "%-16s %s\n", $$1, $$2 }'

lab: $(READY) ## Open the course in JupyterLab (more options: LAB_ARGS="--no-browser --port 8890")
	@echo "The course opens in your browser; if it does not, open one of the addresses below. To stop: Ctrl-C twice."
	@JUPYTER_PREFER_ENV_PATH=1 $(RUN) -m jupyterlab --log-level=WARN \
	    --ServerApp.root_dir="$(CURDIR)" --LabApp.default_url=/lab/tree/$(START) \
	    --LabApp.extension_manager=readonly $(if $(filter 0,$(shell id -u)),--allow-root) $(LAB_ARGS)

test: lint ## Check everything that needs no browser: lint, types, imports, unit tests, notebooks
	$(RUN) -m pytest -m "not slow" --numprocesses=auto --maxprocesses=4 --dist=worksteal
	$(if $(NOTEBOOKS),$(RUN) -m pytest --nbval --nbval-current-env --nbval-cell-timeout=300 \
	    --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder $(NOTEBOOKS))
	$(RUN) tools/build_notebooks.py --check
	@echo "All of it passed. Not run: what the notebooks claim, over ten seeds (make claims), the browser suite"
	@echo "(make browser), PyTorch as a reference (make parity), and the tests that take long (make slow)"

slow: $(READY) ## Run the tests that take long: every lab over 2,000 moves (fewer: LAB_MOVES=...), wild arguments
	LAB_MOVES=$${LAB_MOVES:-2000} $(RUN) -m pytest -m "slow or walk" -rP --numprocesses=auto --maxprocesses=4

claims: $(READY) ## Run what the notebooks say happens over ten seeds, and list each sentence with its share
	@echo "Every sentence of the notebooks that says what happens, with ten seeds, through the lab that shows it"
	$(RUN) -m pytest tests/claims -rP --numprocesses=auto --maxprocesses=4 --dist=worksteal

parity: $(PARITY)/.ready ## Compare the core with PyTorch, in an environment of its own (a large download)
	$(PARITY)/bin/python -m pytest tests/parity

terms: $(READY) ## Alter every arithmetic term of the core, list those that no test notices (some: MODULES="losses")
	@$(RUN) tools/break_terms.py $(MODULES)

lint: $(READY) ## Check style, types and the import contract
	$(RUN) -m ruff check --quiet .
	$(RUN) -m ruff format --quiet --check . || { echo "To format: $(RUN) -m ruff format"; exit 1; }
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports --no-logo --cache-dir $(VENV)/.import-linter

notebooks: $(READY) ## Build the notebooks from notebooks/src/ (some of them: NAMES="01 05")
	@$(RUN) tools/build_notebooks.py $(NAMES)

two-builds: $(READY) ## Build the notebooks twice, and compare the bytes (some of them: NAMES="01 05")
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(RUN) tools/build_notebooks.py --output "$$folder/first" $(NAMES) & first=$$!; \
	$(RUN) tools/build_notebooks.py --output "$$folder/second" $(NAMES) && wait $$first && \
	diff -r --exclude=$(MEASURED) "$$folder/first" "$$folder/second" && \
	{ [ ! -e "$$folder/first/$(MEASURED)" ] || \
	diff -I '"image/png"' "$$folder/first/$(MEASURED)" "$$folder/second/$(MEASURED)"; }

browser: $(READY) ## Drive the notebooks in a real JupyterLab and Chromium: of each lab, one control of a kind
	$(RUN) -m pytest $(BROWSER) -m "not every and not timing" $(TWO_BROWSERS)
	$(RUN) -m pytest $(BROWSER) -m "not every and timing"

browser-all: $(READY) ## The same with every control, grab and preset of every lab, and screenshots (long)
	$(RUN) -m pytest $(BROWSER) -m "not timing" $(TWO_BROWSERS)
	$(RUN) -m pytest $(BROWSER) -m timing

lab-table: $(READY) ## List all labs with their lines, controls and panels (in a page, too: TABLE_ARGS=--browser)
	@$(RUN) tools/lab_table.py $(TABLE_ARGS)

bench: $(READY) ## Measure the time from a slider to new pixels, and the speed of training and of a search
	@$(RUN) benchmarks/playground.py
	@$(RUN) benchmarks/run.py $(BENCH_ARGS)
	@$(RUN) benchmarks/search.py

bench-training: $(READY) ## Measure a step of training beside its matrix products and other libraries
	@$(RUN) benchmarks/training.py

wheel-test: $(READY) ## Build the package and try it in an empty environment
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(RUN) -m build --outdir "$$folder" . >"$$folder/log" 2>&1 || { cat "$$folder/log"; exit 1; }; \
	$(PYTHON) -m venv "$$folder/venv"; \
	"$$folder/venv/bin/python" $(PIP_INSTALL) --constraint requirements.lock "$$(ls "$$folder"/*.whl)[notebooks]"; \
	cp tools/try_wheel.py "$$folder"; cd "$$folder"; venv/bin/python -I try_wheel.py; \
	echo "The wheel works."

lock: ## Write requirements.lock from pyproject.toml (newest versions: LOCK_ARGS=--upgrade)
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(PYTHON) -m venv "$$folder"; \
	"$$folder/bin/python" $(PIP_INSTALL) uv; \
	"$$folder/bin/uv" pip compile --quiet --universal --python-version 3.11 --extra notebooks --extra tests \
	    --no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	    --output-file requirements.lock $(LOCK_ARGS) pyproject.toml

clean: ## Remove the environments, caches and builds
	rm -rf $(VENV) $(PARITY) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf

# The environment. It is made again when what it is made from has changed.
$(READY): requirements.lock pyproject.toml tools/overrides.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "The course needs Python 3.11 or newer, and $(PYTHON) is: $$($(PYTHON) --version 2>&1)"; \
	    echo "If you have another one, name it: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "$(PYTHON) cannot create environments. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Installing the course's packages into $(VENV); this takes a minute or two, once."
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) $(PIP_INSTALL) --requirement requirements.lock
	@$(RUN) $(PIP_INSTALL) --no-deps --editable .
	@mkdir -p $(VENV)/share/jupyter/lab/settings
	@cp tools/overrides.json $(VENV)/share/jupyter/lab/settings/overrides.json
	@touch $@

$(PARITY)/.ready: requirements.lock pyproject.toml
	@echo "Installing PyTorch into $(PARITY); this takes a while, once."
	@$(PYTHON) -m venv $(PARITY)
	@$(PARITY)/bin/python $(PIP_INSTALL) --constraint requirements.lock --editable ".[parity]"
	@touch $@
