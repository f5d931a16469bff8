# The record of what was made from what, what the tables mean and the weights are, the benchmark, and
# what is done before and after all jobs.
import logging
import time

from mechanics.study import screen, slurm

PROVENANCE = f"{RESULTS}/ro-crate-metadata.json"
JOBS = f"{RESULTS}/logs/jobs.json"


rule record_provenance:
    input:
        code=program("record_provenance"),
        lock=from_here(ROOT / "envs/requirements.txt"),
        vocabulary=from_here(columns.VOCABULARY),
        card=from_here(ROOT / "workflow/report/weights.md"),
        made=lambda wildcards: [path for path in rules.all.input if path != PROVENANCE],
    output:
        record=ensure(PROVENANCE, non_empty=True),
        manifest=f"{RESULTS}/manifest-sha256.txt",
        described=multiext(f"{RESULTS}/tables/", "README.md", "datapackage.json"),
        cards=cards(),
    log:
        f"{RESULTS}/logs/record_provenance.log",
    benchmark:
        f"{RESULTS}/benchmarks/record_provenance.tsv"
    conda:
        "../../envs/study.yaml"
    resources:
        mem_mb=2000,
        runtime=15,
    params:
        jobs=JOBS,
        config=as_argument(study.of_results(config)),
    shell:
        f"python {SCRIPTS}/record_provenance.py"
        " --jobs {params.jobs:q} --config {params.config:q}"
        " --output {output.record:q} > {log:q} 2>&1"


# Benchmark: what a training step costs. Asked for by name, `make benchmark`; no part of `all`, and
# worth reading only if nothing else runs beside it. A network that a study lacks is config.yaml's.
TIMED = [
    ("--addition", "modular_addition", "softmax_L1"),
    ("--regression", "linear_regression", "linear_L1"),
]


rule benchmark:
    input:
        code=program("benchmark"),
    output:
        ensure(f"{RESULTS}/tables/benchmark.csv", non_empty=True),
    log:
        f"{RESULTS}/logs/benchmark.log",
    benchmark:
        f"{RESULTS}/benchmarks/benchmark.tsv"
    conda:
        "../../envs/study.yaml"
    threads: config["threads_per_training"]
    resources:
        mem_mb=8000,  # a stack of 32 addition networks keeps gigabytes for its backward pass
        runtime=60,
    params:
        options=[
            word
            for option, task, model in TIMED
            if task in TASKS and model in study.models(config[task])
            for word in (option, as_argument(study.training_settings(config, task, model)))
        ],
    shell:
        f"python {SCRIPTS}/benchmark.py {{params.options:q}} --output {{output:q}}"
        " --threads {threads} > {log:q} 2>&1"


STARTED = time.monotonic()
if os.environ.get("SCREEN") == "short":  # as the Makefile asks
    screen.shorten(logging.getLogger("snakemake.logging"))


onstart:
    if workflow.local_exec:
        # Its limit of submissions, of no use here, makes Snakemake 9.27 look for jobs once more every
        # second for each job that has ended: half a core after fifty of them.
        workflow.scheduler.job_rate_limiter = None
    prepare_slurm()
    write_jobs()
    jobs = [job for job in workflow.dag.needrun_jobs() if job.rule.name != "all"]
    words = screen.first(config, RESULTS, jobs, workflow.resource_settings.cores, *log[:1])
    print(words, file=sys.stderr)


onsuccess:
    if any(job.rule.name == "all" for job in workflow.dag.jobs):  # not of a single file
        words = screen.last(config, RESULTS, time.monotonic() - STARTED)
        print(words, file=sys.stderr)


onerror:
    print(screen.failed(workflow.scheduler.failed), file=sys.stderr)
