# `make setup` builds the environment; the other targets call it first.
# make test PYTHON=/path/to/python VENV=.venv-3.13  runs with another interpreter beside the first.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip
# the only list of plugins: what stands in plugins/
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
# the statistics' simulations time nothing and the verdicts take most of an hour: they are run by hand
BENCHMARKS := $(filter-out $(addprefix benchmarks/,_%.py models.py coverage.py verdicts.py steadiness.py),$(wildcard benchmarks/*.py))
empty :=
space := $(empty) $(empty)

.PHONY: setup demo apps test attack lint bench dist clean

# Done when the stamp in the environment matches the Python, this folder and the files that say what to install.
setup:
	@want="$$($(PYTHON) -VV) $$(cat pyproject.toml constraints.txt $(PLUGINS:%=%/pyproject.toml) | cksum) $$PWD"; \
	test -x $(BIN)/python && test "$$want" = "$$(cat $(VENV)/stamp 2>/dev/null)" && exit 0; \
	set -e; \
	echo "setting up $(VENV) with $$($(PYTHON) -V)"; \
	( while sleep 4 >/dev/null 2>&1; do printf .; done ) & dots=$$!; trap 'kill $$dots 2>/dev/null; echo' EXIT; \
	test "$$($(BIN)/python -VV 2>/dev/null)" = "$$($(PYTHON) -VV)" || $(PYTHON) -m venv --clear $(VENV); \
	rm -f $(VENV)/stamp; \
	echo "1 of 3: pip"; \
	$(PIP) install -qq -c constraints.txt pip; \
	echo "2 of 3: what builds lpbench"; \
	$(PIP) install -qq -c constraints.txt --group build; \
	echo "3 of 3: lpbench, its plugins, the engines and what tests them; this takes a minute or two"; \
	$(PIP) install -qq -c constraints.txt --group dev --no-build-isolation -e '.[x86]' $(PLUGINS:%=-e ./%); \
	echo "$$want" > $(VENV)/stamp

demo: setup
	$(BIN)/lpbench run imagenet-mobilenet-v2 --engine all --predictions

# Builds every app of the catalogue (the first time some 300 MB are fetched), runs it and says what it sees.
apps: setup
	$(BIN)/python examples/every_app.py

# PYTEST takes further options of pytest.  Files side by side: most tests wait for processes of theirs.
# A process that crashes is not replaced: pytest-xdist would give the same test to the next one, and might wait for ever.
test: setup
	$(BIN)/python -m pytest --timeout 300 -n auto --maxprocesses 4 --dist loadfile --max-worker-restart 0 $(PYTEST)

# Attacks lpbench with damaged files, and prints tried and failed for each kind.  SEED repeats an attack; SECONDS bounds
# it, MUTANTS and KILLS say how much instead; KINDS=a,b chooses; MUTANT repeats one; JSON=FILE writes the outcome.
attack: setup
	$(BIN)/python -m tests.attack $(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS)) \
	    $(if $(MUTANTS),--mutants $(MUTANTS)) $(if $(KILLS),--kills $(KILLS)) $(if $(KINDS),--kinds $(KINDS)) \
	    $(if $(MUTANT),--mutant $(MUTANT)) $(if $(JSON),--json $(JSON))

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	MYPYPATH=src:.ci:benchmarks:$(subst $(space),:,$(PLUGINS:%=%/src)) $(BIN)/mypy --explicit-package-bases \
	    conftest.py src tests $(wildcard .ci/*.py benchmarks/*.py examples/*.py) $(wildcard $(PLUGINS:%=%/src) $(PLUGINS:%=%/tests))

bench: setup
	@failed=; for each in $(BENCHMARKS); do echo "== $$each"; $(BIN)/python $$each || failed="$$failed $$each"; done; \
	test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

dist: setup
	rm -rf dist
	@for each in . $(PLUGINS); do $(BIN)/python -m build -q --wheel --no-isolation --outdir dist $$each || exit; done
	@ls dist

clean:
	rm -rf .venv .venv-* dist .reports
