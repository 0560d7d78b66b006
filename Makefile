# make demo: the demo cohort from nothing to the report. make test: the tests.
# make bench: speed and memory against plain implementations (SIZE=small for a quick look).
# make docs: the guide as one folder that opens offline. make install: the environment alone. All of them build .venv first, with plain pip from the pinned files in envs/.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
CORES ?= 2
SIZE ?= full
READY := $(VENV)/.ready

.PHONY: install verify demo test fast-test bench scale docs lint format config lock clean

$(READY): envs/torch.lock envs/requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN)/pip install --quiet --upgrade pip
	$(RUN)/pip install --quiet -r envs/torch.lock
	$(RUN)/pip install --quiet --no-deps -r envs/requirements.lock
	@touch $@

install: $(READY)

demo: $(READY)
	$(RUN)/snakemake --cores $(CORES)
	@echo "Report: results/demo/write_report/report.html   Synthetic cohort: results/demo/release/"

# a file's tests run in one process: they share a study that has run; the files in the order of conftest.py
PYTEST := $(RUN)/python -m pytest -n $(CORES) --dist loadfile --no-loadscope-reorder

test: $(READY)
	$(PYTEST)

fast-test: $(READY)
	$(PYTEST) -m "not slow"

bench: $(READY)
	$(RUN)/python benchmarks/bench.py --size $(SIZE)

# time and memory of the stages at growing sizes, for docs/scale.md
scale: $(READY)
	$(RUN)/python benchmarks/scale.py docs/scale.tsv docs/_static/scale.svg

# is what was released still what the run wrote, and nothing else there?
verify:
	@found=0; for list in results/*/release/*/SHA256SUMS; do \
	  [ -f "$$list" ] || continue; found=1; \
	  echo "$$(dirname "$$list")"; (cd "$$(dirname "$$list")" && sha256sum --check --quiet SHA256SUMS) || exit 1; \
	done; [ $$found = 1 ] || { echo "No results/*/release/*/SHA256SUMS here."; exit 1; }; \
	strangers=$$({ for list in results/*/release/*/SHA256SUMS; do \
	  echo "$$list"; sed "s#^[^ ]*  #$${list%/*}/#" "$$list"; \
	done; find results/*/release/ \( -type f -o -type l \) ! -name '.snakemake*'; } | sort | uniq -u); \
	[ -z "$$strangers" ] || { echo "Files that nobody released, in no SHA256SUMS:"; echo "$$strangers"; exit 1; }; \
	echo "All released files are as they were written, and nothing else is there."

docs: $(READY)
	$(RUN)/sphinx-build -W --keep-going -q -b html docs site
	@echo "Open site/index.html"

lint: $(READY)
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/snakefmt --check Snakefile workflow/rules
	$(RUN)/snakemake --lint

format: $(READY)
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .
	$(RUN)/snakefmt Snakefile workflow/rules

# the files that are written from workflow/src/syncohort/config/
config: $(READY)
	PYTHONPATH=workflow/src $(RUN)/python -m syncohort.config.generated_files

# pins of what is installed now, after changing envs/requirements.in
lock: $(READY)
	$(RUN)/python envs/lock.py

clean:
	rm -rf $(VENV) site results/demo .snakemake .pytest_cache .ruff_cache
