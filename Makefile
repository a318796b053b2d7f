# make train: install into .venv and train everything.   make test: run the quick tests.
# make test-all: these and the slow ones.
# make test-bare: those that need other programs, without them.   make docs: build the pages.
# Another Python: make train PYTHON=python3.12

PYTHON ?= python3
BIN := .venv/bin

# Whether what students use calls anything that Windows or macOS lacks; `grade` needs Linux.
FOR_STUDENTS := $(addprefix -p toolkit.,common lstm gan export train assignment.running assignment.asking \
  assignment.scratch assignment.handin assignment.findings assignment.judging assignment.report \
  assignment.tutor assignment.curve assignment.export assignment.viva) \
  $(addprefix -m toolkit.,__main__ assignment.app assignment.pack assignment.skeleton)
types-there = $(BIN)/python -m mypy --platform $(1) --follow-imports silent --no-warn-unreachable \
  --cache-dir .mypy_cache/$(1) $(FOR_STUDENTS)

.PHONY: train test test-all test-bare nightly lint types deps docs bench pictures playground clean

train: .venv/installed
	$(BIN)/python -m toolkit.train all

test: .venv/installed-test
	$(BIN)/python -m pytest -m "not slow and not nightly"

test-all: .venv/installed-test
	$(BIN)/python -m pytest

test-bare: .venv/installed-test
	.ci/bare $(BIN)/python -m pytest --collect-only -qq -n 0 >/dev/null
	.ci/bare $(BIN)/python -m pytest -m needs

nightly: .venv/installed-test
	$(BIN)/python -m pytest -m nightly
	$(BIN)/python -m pytest -m hypothesis --hypothesis-profile=nightly
	$(BIN)/python benchmarks/fuzz.py

lint: .venv/installed-test
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

types: .venv/installed-test
	$(BIN)/python -m mypy
	$(call types-there,win32)
	$(call types-there,darwin)

deps: .venv/installed-test
	$(BIN)/python -m deptry toolkit demos

docs: .venv/installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

bench: .venv/installed-test
	$(BIN)/python benchmarks/main_job.py

pictures: .venv/installed-test
	WRITE_PICTURES=1 $(BIN)/python -m pytest tests/demos/test_pictures.py

# The page in one file and the scripts of the demos, which are committed: only this needs Node.
playground: playground/node_modules .venv/installed
	cd playground && npm run --silent types && npm run --silent build
	$(BIN)/python -m toolkit.train playground

%/node_modules: %/package-lock.json
	cd $* && npm ci --no-audit --no-fund
	@touch $@

clean:
	rm -rf .venv runs

.venv/bin/python:
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/installed: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install -e .
	@touch $@

.venv/installed-test: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install -e ".[test]"
	@touch $@ .venv/installed

.venv/installed-docs: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --group docs
	@touch $@
