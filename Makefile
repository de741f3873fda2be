# make demo      the portal with everything it needs, on http://localhost:8000 (PORT=… for another)
# make smoke     one order with all three products, without a browser; JSON=path keeps the figures
# make bench     measure the fleet against a bare client and the seed's way; ARGS="turns --times 3" or
#                ARGS="turns --comfyui-ssh user@host:port --key PATH" for a real ComfyUI, JSON=path
# make chaos     throw faults at the fleet for ten minutes; CHAOS_JOBS, CHAOS_MINUTES, CHAOS_SEED, JSON=path
# make test      every test; ARGS="…" goes to pytest
# make check     ruff, mypy, import rules, missing migrations
# make messages  gather the translatable sentences (needs gettext)

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
PY := $(VENV)/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUNBUFFERED := 1

# Settings are read strictly; these stand in for those that the checks never use.
NOWHERE := SECRET_KEY=none DATABASE_URL=postgresql://none@127.0.0.1:1/none REDIS_URL=redis://127.0.0.1:1 HTTPS=no

.PHONY: demo smoke bench chaos test check messages
.DELETE_ON_ERROR:

demo: $(VENV)/run.stamp
	@$(PY) -m portal.demo --port $(PORT)

smoke: $(VENV)/run.stamp
	@$(PY) -m portal.demo smoke $(if $(JSON),--json "$(JSON)")

bench: $(VENV)/run.stamp
	@$(PY) -m benches $(ARGS) $(if $(JSON),--json "$(JSON)")

chaos: $(VENV)/dev.stamp
	@$(PY) -m chaos $(if $(JSON),--json "$(JSON)")

test: $(VENV)/dev.stamp
	@$(PY) -m pytest -n 2 --dist loadgroup $(ARGS)

check: $(VENV)/dev.stamp
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(NOWHERE) $(PY) -m mypy
	@$(VENV)/bin/lint-imports
	@$(NOWHERE) $(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

messages: $(VENV)/dev.stamp
	@command -v xgettext >/dev/null || { echo "xgettext is missing; install the package gettext."; exit 1; }
	@$(NOWHERE) $(PY) manage.py makemessages --locale en --no-location --no-wrap --ignore '$(VENV)' --ignore .demo --ignore tests
	@$(NOWHERE) $(PY) manage.py compilemessages

$(VENV)/run.stamp: requirements.txt | $(PY)
	@echo "Installing what the portal runs on into $(VENV) …"
	@$(PY) -m pip install --quiet --only-binary :all: -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/run.stamp
	@echo "Installing what the tests run on into $(VENV) …"
	@$(PY) -m pip install --quiet --only-binary :all: -r requirements-dev.txt
	@touch $@

# Debian's python3 comes without ensurepip unless python3-venv is installed; its pip can fill the environment too.
$(PY):
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing; Python 3.11 or newer is needed."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "$$($(PYTHON) --version) is too old; say PYTHON=/path/to/python3.11 or newer."; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
	    rm -rf $(VENV) && $(PYTHON) -m venv --without-pip $(VENV) && \
	    $(PYTHON) -m pip --python $(PY) install --quiet pip; } || { \
	    rm -rf $(VENV); echo "$(PYTHON) has neither ensurepip nor pip; install python3-venv or python3-pip."; exit 1; }
