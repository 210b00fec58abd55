# Every target works on a fresh clone with python3 (3.11 or newer) and make alone: the first one
# called sets up .venv from requirements.lock, hashes checked.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
BROWSERS := chromium chromium-browser google-chrome

# What was compiled is kept, whatever the caller's shell says: tests start Python hundreds of times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: up demo test check lint bench screenshots lock migration translations promises chromium

up: $(INSTALLED)
	@$(BIN)/promisekeeper up

demo: $(INSTALLED)
	@$(BIN)/promisekeeper demo run $(if $(EXIT),--exit)

# Four at a time on two cores: they wait for servers as much as they work. One by one, so that the
# longest, which come first, do not pile up in one process.
test: lint chromium
	@$(BIN)/pytest -q -n 4 --dist loadgroup

check: lint
	@$(BIN)/pytest -q -n 2 -m "not journey and not temporal and not postgresql and not slow"

# Format, style, types, import rules.
lint: $(INSTALLED)
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports

# Everything, or: make bench ONLY="campaign approvals" ADDRESSEES="1000 10000"
bench: $(INSTALLED)
	@$(BIN)/python -m benchmarks $(ONLY) $(if $(ADDRESSEES),--addressees $(ADDRESSEES))

# The pictures in docs/screenshots/, from a stack of their own.
screenshots: $(INSTALLED) chromium
	@$(BIN)/python -m tests.journeys.screenshots

# The next migration, from what changed in database/tables: make migration MESSAGE="add a column"
migration: $(INSTALLED)
	@test -n "$(MESSAGE)" || { echo 'Say what changes: make migration MESSAGE="..."' >&2; exit 2; }
	@$(BIN)/python -m database.migrate "$(MESSAGE)"

# The messages of all mails and pages, and every catalogue brought up to date with them.
translations: $(INSTALLED)
	@$(BIN)/python -m tests.catalogues

# docs/promises.md: which tests prove which promise.
promises: $(INSTALLED)
	@$(BIN)/python -m tests.promises

# Choose the newest versions that pyproject.toml allows, and their hashes, for every platform.
lock:
	@$(PYTHON) -m venv .venv/lock
	@.venv/lock/bin/pip install --quiet --disable-pip-version-check uv
	@.venv/lock/bin/uv pip compile pyproject.toml --extra dev --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links --python-version 3.11 --universal --upgrade \
		--quiet --output-file requirements.lock

chromium:
	@for name in $(BROWSERS); do command -v $$name >/dev/null && exit 0; done; \
	line='apt-get update && apt-get install -y --no-install-recommends chromium'; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "The browser journeys need Chromium. As root, type: $$line" >&2; exit 1; \
	fi; \
	echo "Installing Chromium for the browser journeys ..."; \
	export DEBIAN_FRONTEND=noninteractive; \
	apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Promisekeeper needs Python 3.11 or newer: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Setting up .venv ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
