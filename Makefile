# Needs python3 (3.11 or newer, with venv) and make; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TOOLS := $(VENV)/.tools

# The project's own questions, and what they must not fall below.
DEV := corpus/questions/dev.jsonl
BASELINE := tests/corpus/dev-baseline.jsonl

export HF_HUB_OFFLINE = 1

.PHONY: run install build benchmark test check chromium screenshots evaluate baseline clean

run: build  ## install, build the index if the corpus has changed, and serve
	$(BIN)/citewell serve

install: $(INSTALLED)  ## install what serving needs, at the pinned versions

build: $(INSTALLED)  ## build the index if the corpus has changed
	$(BIN)/citewell build --if-stale

test: $(TOOLS) check chromium  ## run every test
	$(BIN)/python -m pytest
	$(MAKE) evaluate

evaluate: build  ## fail when a measure of the dev questions is significantly below the kept baseline
	$(BIN)/citewell evaluate $(DEV) --baseline $(BASELINE)

baseline: build  ## keep today's figures of the dev questions as the baseline
	$(BIN)/citewell evaluate $(DEV) --save-baseline $(BASELINE)

check: $(TOOLS)  ## formatter, linter and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

chromium:  ## install Debian's Chromium, which the tests of the pages need
	@command -v chromium >/dev/null || { \
	  command -v apt-get >/dev/null || { echo "The tests of the pages need a chromium command: install Chromium under that name." >&2; exit 1; }; \
	  as_root=""; [ "$$(id -u)" = 0 ] || as_root="sudo -n"; \
	  echo "Installing Debian's chromium for the tests of the pages."; \
	  { $$as_root apt-get update -qq && $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium; } >/dev/null \
	    || { echo "Chromium could not be installed: run 'sudo apt-get install chromium', then make test again." >&2; exit 1; }; \
	}

benchmark: $(TOOLS)  ## measure speed and write docs/performance.md; ten minutes
	$(BIN)/python -m benchmarks.performance

screenshots: $(TOOLS) chromium  ## pictures of every view in screenshots/, for somebody to look at
	$(BIN)/python -m tests.screenshots screenshots

clean:  ## remove what was built; the corpus stays
	rm -rf var $(VENV)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Citewell needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV) || { echo "python3 cannot make a virtual environment: install its venv package (python3-venv on Debian)" >&2; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch==2.13.0
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $@

$(TOOLS): $(INSTALLED)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@
