# The ways to run and check the bot. `make` alone lists them.

VENV ?= .venv
BIN := $(VENV)/bin/python
# The first Python that is new enough and can make virtual environments.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
PIP := $(BIN) -m pip install --quiet --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.PHONY: help demo run install test chaos bench check pictures lock clean chromium

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed-demo ## the bot on this machine, with a chat page in the browser; needs no token and no key
	@$(BIN) -m sandbox

run: $(VENV)/.installed ## the bot in the real Telegram; reads .env (see .env.example)
	@$(BIN) bot.py

install: $(VENV)/.installed ## what the bot runs with, into .venv: for a server

test: $(VENV)/.installed-dev chromium ## all tests; ARGS="-k name" for some of them
	@$(BIN) -m pytest -q $(ARGS)

chaos: $(VENV)/.installed-dev ## 100 kills at random moments; CHAOS_KILLS and CHAOS_SEED change that
	@CHAOS_KILLS=$${CHAOS_KILLS:-100} $(BIN) -m pytest -q -s -n 0 tests/test_crashes.py -k random_kills

bench: $(VENV)/.installed-demo ## how fast the bot is, as a table; ARGS="--quick" for the short one
	@$(BIN) -m bench $(ARGS)

check: $(VENV)/.installed-dev ## style, format, types and layers
	@$(BIN) -m ruff check .
	@$(BIN) -m ruff format --check .
	@$(BIN) -m mypy
	@PYTHONPATH=. $(VENV)/bin/lint-imports

pictures: $(VENV)/.installed-dev chromium ## docs/pictures/ anew from the demo's page, two minutes
	@$(BIN) assets/take_pictures.py

lock: $(BIN) ## requirements*.txt anew from requirements*.in, with hashes; ARGS="--upgrade" for newer versions
	@$(PIP) uv==0.13.8
	@for name in requirements requirements-demo requirements-dev; do \
		$(BIN) -m uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
			$(ARGS) $$name.in -o $$name.txt; \
	done

clean: ## removes the virtual environment and the tools' caches; keeps .env, data and log
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp in the environment says what is installed in it; `venv --clear` removes the stamps with the rest.
$(VENV)/.installed: requirements.txt $(BIN)
	@echo "Installing what the bot needs…"
	@$(PIP) --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.installed-demo: requirements-demo.txt $(BIN)
	@echo "Installing what the demo needs…"
	@$(PIP) --require-hashes -r requirements-demo.txt
	@touch $(VENV)/.installed $@

$(VENV)/.installed-dev: requirements-dev.txt $(BIN)
	@echo "Installing what the tests need…"
	@$(PIP) --require-hashes -r requirements-dev.txt
	@touch $(VENV)/.installed $(VENV)/.installed-demo $@

$(BIN):
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11 or newer with its venv module is needed; python3 here is: $$(python3 --version 2>&1 || true)" >&2; \
		echo "On Debian and Ubuntu: apt-get install python3 python3-venv" >&2; \
		exit 1; \
	fi
	@$(PYTHON) -m venv --clear $(VENV)

chromium:
	@for browser in chromium chromium-browser google-chrome; do \
		command -v $$browser >/dev/null && exit 0; \
	done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium for the browser tests…"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq chromium fonts-noto-color-emoji >/dev/null && exit 0; \
	fi; \
	echo "There is no Chromium here: the browser tests will be skipped."
