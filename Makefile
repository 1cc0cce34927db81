# `make run` and `make test` install what they need into .venv, once.

PYTHON ?= $(or $(shell command -v python3.11),python3)
UV := .venv/bin/uv pip
VERSION := import sys; sys.exit(sys.version_info[:2] != (3, 11) and \
	f"textmill needs Python 3.11, but $(PYTHON) is {sys.version.split()[0]}: install 3.11, or name it with make PYTHON=...")

.PHONY: run test check bench ui serve

run: .venv/installed
	.venv/bin/textmill run configs/classify/banking77_text_cnn.yaml

test: .venv/installed-dev
	.venv/bin/pytest -n 2 --dist loadfile -m "not slow" --durations=25
	.venv/bin/pytest -n 2 --dist loadfile -m slow

check: .venv/installed-dev
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy

bench: .venv/installed-dev
	set -e; for script in benchmarks/[a-z]*.py; do .venv/bin/python $$script; done

ui: .venv/installed
	.venv/bin/mlflow ui --backend-store-uri sqlite:///work/mlflow.db

serve: .venv/installed
	.venv/bin/textmill serve work/models

# Byte-compiled, because that halves the time that `import tensorflow` takes.
.venv/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c '$(VERSION)'
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(UV) install --python .venv --require-hashes --compile-bytecode -r requirements.txt
	$(UV) install --python .venv --no-deps --no-build-isolation --editable .
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(UV) install --python .venv --require-hashes --compile-bytecode -r requirements-dev.txt
	touch $@
