# `make demo` and `make test` are all that a newcomer needs; both work in a fresh clone.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell find src native -type f -not -name '*.pyc' 2>/dev/null) CMakeLists.txt pyproject.toml
CXX_SOURCES = $(shell find native -name '*.cc' -o -name '*.h')

export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_BUILD_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export CMAKE_BUILD_PARALLEL_LEVEL ?= 2

.PHONY: help demo test lint sanitize format build tools clean

help:
	@echo "make demo    install Treadle into $(VENV) and tune the bundled model"
	@echo "make test    install PyTorch, the oracle, beside it and run all tests"
	@echo "make lint    ruff, mypy, clang-format, import contract"
	@echo "make sanitize  native tests under TSan, ASan and UBSan, kernels between guards"
	@echo "make format  ruff and clang-format, in place"
	@echo "make build   a wheel in dist/"
	@echo "make clean   remove what the others made"

demo: $(VENV)/.installed-demo
	@mkdir -p out
	$(BIN)/treadle tune --plot out/digits-tune.png

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src/treadle tests benchmarks examples scripts
	$(BIN)/lint-imports
	@if command -v clang-format >/dev/null; then \
	    clang-format --dry-run -Werror $(CXX_SOURCES) && echo "clang-format: clean"; \
	else \
	    echo "clang-format: not installed, skipped"; \
	fi

sanitize: $(VENV)/.installed-test
	$(BIN)/pip install --quiet cmake ninja nanobind
	native/sanitize.sh thread $(BIN)/python
	native/sanitize.sh address $(BIN)/python
	$(BIN)/python -m pytest -q --guard-memory tests/conformance/test_plans.py tests/schedule

format: $(VENV)/.installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	clang-format -i $(CXX_SOURCES)

build: $(VENV)/.made
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) build dist out

tools:
	@command -v $(PYTHON) >/dev/null || \
	    { echo "Treadle needs Python 3.10 or later: apt-get install python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo "Python's venv module is missing: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import os, sysconfig as s; os.stat(s.get_path("include") + "/Python.h")' 2>/dev/null || \
	    { echo "Python's headers are missing: apt-get install python3-dev" >&2; exit 1; }
	@for compiler in $${CXX:-c++ g++ clang++}; do command -v $$compiler >/dev/null && exit; done; \
	    echo "Treadle is built by a C++20 compiler, which is missing: apt-get install g++" >&2; exit 1

$(VENV)/.made: | tools
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed-demo: $(VENV)/.made constraints.txt $(SOURCES)
	$(BIN)/pip install --quiet ".[cli,plot]"
	@touch $@

$(VENV)/.installed-test: $(VENV)/.made constraints.txt $(SOURCES)
	$(BIN)/pip install --quiet ".[test]"
	@touch $@
