# Run and check the bot. `make` alone lists the targets.

VENV ?= .venv
BIN := $(VENV)/bin/python
# The first Python from 3.11 on that can make virtual environments.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
# What `make test-real` uses: an environment for packages of Python, and packages of Debian.
REAL := .venv-real
DEBIAN := calibre caddy default-jre-headless firefox-esr fiu-utils nginx-light openssl pandoc prometheus webkit2gtk-driver xvfb
# What `make mutants` makes mutants with: its packages and the bot's need not agree.
MUTANTS := .venv-mutants
PIP := -m pip install --disable-pip-version-check --no-input

# Install the packages of file $(1), print each name, and make the stamp $(2) if all are installed. $(3): the Python.
define install
@rm -f $(2); { $(or $(3),$(BIN)) $(PIP) --progress-bar off --require-hashes -r $(1) && touch $(2); } \
	| awk '/^Collecting / { printf "  %s\n", $$2; fflush() } /^Installing/ { print "  … unpacking"; fflush() }'; \
	test -f $(2)
endef

.DEFAULT_GOAL := help
.PHONY: help demo run install test test-real chaos mutants bench soak check fuzz audit sbom pictures docs lock clean chromium debian

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed-demo ## run the bot on this machine with a chat page in the browser; needs no token and no key
	@$(BIN) -m sandbox

run: $(VENV)/.installed ## run the bot in Telegram; reads .env (see .env.example)
	@$(BIN) bot.py

install: $(VENV)/.installed ## install what the bot runs with into .venv, for a server

# The tests start many processes: compiled files are kept, also where the environment says not to.
test: $(VENV)/.installed-dev chromium ## run all tests; ARGS="-k name" for some of them
	@PYTHONDONTWRITEBYTECODE= $(BIN) -m pytest -q $(ARGS)

test-real: $(VENV)/.installed-dev $(REAL)/.installed debian ## try the bot with real model servers, proxies, readers and browsers; writes docs/verified.md
	@$(if $(ARGS),,VERIFIED=docs/verified.md) $(BIN) -m pytest -q -n 0 -m real tests/real $(ARGS)

# A point, and a point on the disk with its error, are tried alone: CHAOS_POINT=commit-before:12:3, CHAOS_DISK=EIO:once.
chaos: $(VENV)/.installed-dev ## kill the bot at random moments and at every point, fail every disk call, try 10,000 schedules; takes hours
	@if [ -n "$$CHAOS_POINT" ]; then \
		$(BIN) -m pytest -q -s -n 0 tests/test_crash_points.py tests/test_failing_disk.py -k "any_point or any_call"; \
	else \
		CHAOS_KILLS=$${CHAOS_KILLS:-100} $(BIN) -m pytest -q -s -n 0 tests/test_crashes.py -k random_kills && \
		CHAOS_PARTS=$${CHAOS_PARTS:-8} CHAOS_SCHEDULES=$${CHAOS_SCHEDULES:-10000} $(BIN) -m pytest -q -s -n $${CHAOS_JOBS:-auto} \
			tests/test_interleavings.py tests/test_crash_points.py tests/test_failing_disk.py; \
	fi

mutants: $(VENV)/.installed-dev $(MUTANTS)/.installed ## change one place at a time of what keeps money, order and texts: a test must fail; writes docs/verified.md; takes half an hour
	@$(MUTANTS)/bin/python -m tests.mutants --python $(BIN) --page docs/verified.md $(ARGS)

bench: $(VENV)/.installed-demo ## measure the speed of the bot, and beside a minimal one; ARGS="--quick" for four scenarios, "--minimal" for none
	@$(BIN) -m bench $(ARGS)

soak: $(VENV)/.installed-dev ## run 500 people for ten minutes with faults; fails if the bot grows or slows; SOAK_MIN=60 for an hour
	@$(BIN) -m bench.soak $(ARGS)

check: $(VENV)/.installed-dev ## check style, format, types, layers, and for unsafe code
	@$(BIN) -m ruff check .
	@$(BIN) -m ruff format --check .
	@$(BIN) -m mypy
	@PYTHONPATH=. $(VENV)/bin/lint-imports
	@$(VENV)/bin/bandit --quiet --recursive --configfile pyproject.toml .

fuzz: $(VENV)/.installed-dev ## ask the page's server 2,000 times by each operation of docs/openapi.yaml; takes some minutes
	@FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-2000} $(BIN) -m pytest -q -n 0 tests/test_openapi.py

audit: $(VENV)/.installed-dev ## look for known holes in the packages; needs the network
	@$(BIN) -c "import requests; requests.get('https://pypi.org/pypi/pip/json', timeout=20).raise_for_status()" 2>/dev/null \
		|| { echo "https://pypi.org doesn't answer here: no package was looked up." >&2; exit 1; }
	@for name in requirements requirements-dev; do \
		echo "$$name.txt:"; \
		$(BIN) -m pip_audit --strict --progress-spinner off --require-hashes --disable-pip -r $$name.txt || exit 1; \
	done

sbom: $(VENV)/.installed-dev ## list the packages that the bot runs with, with hashes, as CycloneDX in dist/
	@$(BIN) -m assets.sbom dist/coauthor-$$($(BIN) -c "from core.version import VERSION; print(VERSION)").cdx.json

pictures: $(VENV)/.installed-dev chromium ## take the pictures of docs/pictures/ from the demo's page; ARGS="en writing" for the English animation only
	@$(BIN) -m assets.take_pictures $(ARGS)

docs: $(VENV)/.installed-docs ## build the site of docs/ into site/; a broken link fails it
	@NO_MKDOCS_2_WARNING=1 $(BIN) -m mkdocs build --clean
	@echo "site/index.html"

lock: $(BIN) ## make requirements*.txt from requirements*.in, with hashes; ARGS="--upgrade" for newer versions
	@$(BIN) $(PIP) --quiet uv==0.13.8
	@for name in requirements requirements-demo requirements-dev requirements-docs requirements-mutants; do \
		$(BIN) -m uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
			$(ARGS) $$name.in -o $$name.txt; \
	done

clean: ## remove the virtual environment, the site, the SBOM and the tools' caches; keep .env, data and log
	@rm -rf $(VENV) $(REAL) $(MUTANTS) .mutants site dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp file says what is installed in the environment; `venv --clear` removes it with the environment.
$(VENV)/.installed: requirements.txt $(BIN)
	@echo "Installing what the bot needs, once; it takes about a minute:"
	$(call install,requirements.txt,$@)

$(VENV)/.installed-demo: requirements-demo.txt $(BIN)
	@echo "Installing what the demo needs, once; it takes about a minute:"
	$(call install,requirements-demo.txt,$@)
	@touch $(VENV)/.installed

$(VENV)/.installed-dev: requirements-dev.txt $(BIN)
	@echo "Installing what the tests need, once; it takes a minute or two:"
	$(call install,requirements-dev.txt,$@)
	@touch $(VENV)/.installed $(VENV)/.installed-demo

$(VENV)/.installed-docs: requirements-docs.txt $(BIN)
	@echo "Installing what builds the site, once:"
	$(call install,requirements-docs.txt,$@)

$(REAL)/.installed: requirements-real.in $(BIN)
	@echo "Installing what the bot is tried with, once; it takes some minutes and 1.5 GB:"
	@$(BIN) -m venv --clear $(REAL)
	@sed 's/ *#.*//; /^$$/d' requirements-real.in | while read -r package; do \
		echo "  $$package"; \
		$(REAL)/bin/python $(PIP) --quiet "$$package" \
			|| echo "  $$package can't be installed here: its tests are skipped."; \
	done
	@touch $@

$(MUTANTS)/.installed: requirements-mutants.txt $(BIN)
	@echo "Installing what makes mutants, once:"
	@$(BIN) -m venv --clear $(MUTANTS)
	$(call install,requirements-mutants.txt,$@,$(MUTANTS)/bin/python)

$(BIN):
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11 or newer with its venv module is needed; python3 here is: $$(python3 --version 2>&1 || true)" >&2; \
		echo "On Debian and Ubuntu: apt-get install python3 python3-venv" >&2; \
		exit 1; \
	fi
	@$(PYTHON) -m venv --clear $(VENV)

# The shell without a window is preferred: it takes a third of the processor time.
chromium:
	@command -v chromium-headless-shell >/dev/null && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium for the browser tests…"; \
		apt-get update -qq; \
		for browser in chromium-headless-shell chromium; do \
			DEBIAN_FRONTEND=noninteractive \
				apt-get install -y -qq $$browser fonts-noto-color-emoji >/dev/null 2>&1 && exit 0; \
		done; \
	fi; \
	for browser in chromium chromium-browser google-chrome; do \
		command -v $$browser >/dev/null && exit 0; \
	done; \
	echo "There is no Chromium here: the browser tests will be skipped."

# Not where systemd runs: nginx, Caddy and Prometheus would be started as services.
debian:
	@if [ "$$(id -u)" = 0 ] && [ ! -d /run/systemd/system ] && command -v apt-get >/dev/null; then \
		missing=$$(for package in $(DEBIAN); do dpkg -s $$package >/dev/null 2>&1 || echo $$package; done); \
		[ -z "$$missing" ] || { echo "Installing $$missing…"; apt-get update -qq; }; \
		for package in $$missing; do \
			DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$package >/dev/null \
				|| echo "$$package can't be installed here: its tests are skipped."; \
		done; \
	else echo "Tests whose programs are missing are skipped. On Debian: apt-get install $(DEBIAN)"; fi
