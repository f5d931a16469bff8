# make study   the whole study, results/full/          make quick   the small one, results/quick/
# make test    all tests                               make lint    style of Python and Snakemake
# make benchmark   what a training step costs         make publish refresh results/published/
# make slurm     as root: the workflow on a Slurm of one node, compared with a local run
# make gpu       what a CUDA card does for it: a table, in minutes; asks for such a card
# make verify      a study against its record          make restore a study from results/published/
# make examine WEIGHTS=path   weights from anywhere: a folder of tables and a summary, results/examined/
# make snakemake-report   tables, figures and run times as Snakemake's own page, with captions
# Each creates .venv from the lock first, if it is not there. benchmark, publish, verify, restore and
# snakemake-report are of the whole study, or of another:
#   make verify STUDY=results/quick OVERLAY=config/quick.yaml
SHELL := /bin/bash
PYTHON ?= python3
CORES ?= $(shell $(PYTHON) -c 'import os; print(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())')
BIN := .venv/bin
# What a user has set for other Pythons and installations is not for this one.
unexport PYTHONPATH PYTHONHOME PYTHONOPTIMIZE PIP_TARGET PIP_PREFIX
export PYTHONUTF8 := 1
export PIP_USER := 0
STUDY ?= results/full
OVERLAY ?=
CONFIG := config/config.yaml $(OVERLAY)
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)

.PHONY: study examine quick gpu test slurm lint format benchmark unlock verify publish restore remember \
	snakemake-report lock

study: .venv/installed
	@SCREEN=short $(SNAKEMAKE)

quick: .venv/installed
	@SCREEN=short $(SNAKEMAKE) --configfile config/quick.yaml

test: .venv/installed lint
	$(BIN)/pytest -n $(CORES) --dist loadfile

# Every training and the two main tables, in minutes; without --targets every rule of the workflow.
slurm: .venv/installed
	$(BIN)/python tests/slurm/run.py --targets results/tiny/tables/comparative_metrics.csv results/tiny/tables/grokking.csv

# Some minutes of a card; without one it says so before anything runs.
gpu: .venv/installed
	@$(BIN)/python -c 'import sys, torch; sys.exit(None if torch.cuda.is_available() else "make gpu: PyTorch sees no CUDA GPU here; make quick needs none")'
	for device in cuda cpu; do \
	  $(SNAKEMAKE) --configfile config/quick.yaml --config device=$$device study=quick_$$device \
	    -- results/quick_$$device/tables/comparative_metrics.csv || exit 1; \
	done
	$(BIN)/python scripts/benchmark.py --device cuda --studies results/quick_cpu results/quick_cuda --output results/quick_cuda/tables/gpu.csv

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check workflow
	$(BIN)/snakemake --lint

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt workflow
	PYTHONPATH=scripts $(BIN)/python -m mechanics.study.config_tables

# Measured anew each time that it is asked for; what it printed is its log.
benchmark: .venv/installed
	$(SNAKEMAKE) --configfile $(CONFIG) --force benchmark
	cat $(STUDY)/logs/benchmark.log

# After a kill that left Snakemake no time to clean up (SIGKILL, power): then make study again.
unlock: .venv/installed
	$(SNAKEMAKE) --unlock

# What shapes do not tell: OPTIONS="--heads 4"; all of them: .venv/bin/python scripts/examine.py --help
# Files of one name share a folder, and the last has it: OPTIONS="--output results/examined/other".
examine: .venv/installed
	$(if $(WEIGHTS),,$(error make examine: WEIGHTS is empty: expected a file, as in make examine WEIGHTS=net.pth))
	$(BIN)/python scripts/examine.py --weights "$(WEIGHTS)" --output "results/examined/$(basename $(notdir $(WEIGHTS)))" $(OPTIONS)

verify: .venv/installed
	$(BIN)/python scripts/verify.py --study $(STUDY)

publish: .venv/installed
	$(BIN)/python scripts/publish.py --study $(STUDY) --readme README.md

# The folder .snakemake was lost: what agrees with the study's record is not made anew.
remember: .venv/installed
	$(BIN)/python scripts/publish.py --remember $(if $(OVERLAY),--config $(OVERLAY))

restore: .venv/installed
	$(BIN)/python scripts/publish.py --restore $(if $(OVERLAY),--config $(OVERLAY))

snakemake-report: .venv/installed
	$(SNAKEMAKE) --report $(STUDY)/snakemake_report.html --configfile $(CONFIG)

# The stamp is written last, so that an installation cut short is begun again.
.venv/installed: envs/requirements.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r envs/requirements.txt
	touch $@

# Pin anew what requirements.in asks for, in a fresh environment.
lock:
	rm -rf .venv/lock && $(PYTHON) -m venv .venv/lock
	sed '/^# For developers/,$$d' envs/requirements.in > .venv/lock/users.in
	.venv/lock/bin/pip install --quiet -r .venv/lock/users.in
	.venv/lock/bin/pip freeze | sed 's/+cpu//' > .venv/lock/users.txt
	.venv/lock/bin/pip install --quiet -r envs/requirements.in
	{ echo "# The lock: everything that is installed, pinned. Made from requirements.in by \`make lock\`."; \
	  echo "# For users:"; cat .venv/lock/users.txt; grep '^# For developers' envs/requirements.in; \
	  .venv/lock/bin/pip freeze | sed 's/+cpu//' | grep -vxFf .venv/lock/users.txt; } > envs/requirements.txt
	rm -rf .venv/lock
	$(MAKE) envs/study.yaml

envs/study.yaml: envs/requirements.txt
	{ echo "# The lock for conda (snakemake --sdm conda). Made from requirements.txt by \`make $@\`."; \
	  printf 'channels:\n  - conda-forge\n  - nodefaults\ndependencies:\n  - python=3.11\n  - pip\n  - pip:\n'; \
	  grep -v '^#' $< | sed 's/^/      - /'; } > $@
