PYTHON ?= python3
WORKERS ?= 2

VENV := .venv
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help demo serve test truths faults check lock clean programs server browser

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null \
		|| sed -n 's/^\([a-z]*\):.*## /  make \1  /p' $(MAKEFILE_LIST)

demo: $(RUN) programs  ## the 75 pictures of five recipes, then better recipes: two reports, in runs/
	$(VENV)/bin/strikebox ablate seed --out runs/seed --resume
	$(VENV)/bin/strikebox ablate better --out runs/better --resume
	@echo "The 75 pictures, and why the sandwich is none: $(CURDIR)/runs/seed/report.html"
	@echo "Better recipes, and the one to ship:           $(CURDIR)/runs/better/report.html"
	@echo "Serve it:                                      make serve   (that is: $(VENV)/bin/strikebox serve)"

serve: $(RUN) programs  ## the art site, with the recipe that runs/better recommends
	$(VENV)/bin/strikebox serve

# One thread a worker: two processes that each take all cores wait for one another.
test: $(DEV) programs server browser  ## all tests
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -q -n $(WORKERS) --dist loadgroup

truths: $(DEV) programs  ## what was planted must be found, in full: minutes instead of seconds
	STRIKEBOX_TRUTHS=full OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -q -n $(WORKERS) tests/truths

# One at a time: what is measured must not wait for another test.
faults: $(DEV) programs server browser  ## what survives what, in full: an hour or two of killing; figures in build/faults/
	STRIKEBOX_FAULTS=full OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -q tests/faults
	$(VENV)/bin/python tests/faults/figures.py

check: $(DEV)  ## style, types, layers, known vulnerabilities
	$(VENV)/bin/ruff check .
	$(VENV)/bin/pyright
	$(VENV)/bin/lint-imports --no-logo
	$(VENV)/bin/python .ci/supply_chain.py

lock: $(RUN)  ## what pip would install here, with hashes: build/requirements.txt
	$(VENV)/bin/python .ci/lock.py

clean:  ## remove the environment and what the tools left; runs/ and build/ stay
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist
	find src tests nano -name __pycache__ -type d -prune -exec rm -rf {} +

# Lettering is read by tesseract. Where apt may not install it, it is named, and lettering is not measured.
# The queue is tested on a real PostgreSQL; without one those tests are skipped.
server:
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
		sudo=$$([ "$$(id -u)" = 0 ] || echo "sudo -n"); \
		$$sudo apt-get update -qq && $$sudo apt-get install -qq -y --no-install-recommends postgresql >/dev/null; } \
		|| echo "PostgreSQL will not be tested. To test it: apt install postgresql" >&2

# Pages are tested in a real browser; without one those tests are skipped.
browser:
	@command -v chromium >/dev/null || { \
		sudo=$$([ "$$(id -u)" = 0 ] || echo "sudo -n"); \
		$$sudo apt-get update -qq && $$sudo apt-get install -qq -y --no-install-recommends chromium >/dev/null; } \
		|| echo "Pages will not be tested in a browser. To test them: apt install chromium" >&2

programs:
	@tesseract --list-langs 2>/dev/null | grep -qx rus || { \
		sudo=$$([ "$$(id -u)" = 0 ] || echo "sudo -n"); \
		$$sudo apt-get update -qq && $$sudo apt-get install -qq -y --no-install-recommends \
			tesseract-ocr tesseract-ocr-rus >/dev/null; } \
		|| echo "Lettering will not be measured. To measure it: apt install tesseract-ocr tesseract-ocr-rus" >&2

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Strikebox needs Python 3.11 or later; $(PYTHON) is missing or older." \
			"Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUN): pyproject.toml constraints.txt | $(VENV)/bin/pip
	$(PIP) -e .
	@touch $@

$(DEV): pyproject.toml constraints.txt | $(VENV)/bin/pip
	$(PIP) -e ".[dev,nano]"
	@touch $@ $(RUN)
