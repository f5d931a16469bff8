# The record of what was made from what, what the tables mean and the weights are, the benchmark, and
# what is done before and after all jobs.
import logging
import time

from mechanics.study import screen, slurm

PROVENANCE = f"{RESULTS}/ro-crate-metadata.json"
JOBS = f"{RESULTS}/logs/jobs.json"


def described(job):
    """What the record needs to know of a job. Files of the study are named from its folder."""
    own, read = f"{RESULTS}/", list(map(str, job.input))
    return {
        "rule": "train" if job.rule.name.startswith("train_") else job.rule.name,
        # what is imported is no code: its hash is in run.json
        "code": [p for p in read if not p.startswith(own) and p not in IMPORTED],
        "inputs": [p.removeprefix(own) for p in read if p.startswith(own)],
        "outputs": [str(path).removeprefix(own) for path in job.output],
        "settings": job.params.get("settings"),
        "seeds": [int(job.wildcards.seed)] if "seed" in job.wildcards_dict else [],
        "device": job.resources.get("device"),
    }


def write_jobs():
    """Which job makes what from what, for the provenance.

    Snakemake has no list of it that outlives its own metadata, and a command line is too short.
    """
    own = [job for job in workflow.dag.jobs if str(*job.output[:1]).startswith(f"{RESULTS}/")]
    if any(PROVENANCE in job.output for job in own):
        jobs = sorted(map(described, own), key=lambda job: job["outputs"])
        with atomic(Path(JOBS)) as part:
            part.write_text(json.dumps(jobs, indent=1))


def prepare_slurm():
    """What would keep every job from coming back is said once, before one is sent; a cancelled one
    is noticed, which the executor knows by `squeue`, but not by `sacct` (``first_words``).
    """
    if workflow.executor_plugin.name != "slurm":
        return
    settings, jobs = workflow.executor_settings, workflow.dag.needrun_jobs()
    partitions = slurm.partitions_of(jobs, settings.partition_config)
    if problem := slurm.obstacle(settings.status_command, partitions):
        raise WorkflowError(problem)
    import snakemake_executor_plugin_slurm as executor

    executor.query_job_status = slurm.first_words(executor.query_job_status)


def cards():
    """What is written beside the weights of a study; nothing beside those of a sweep."""
    if SWEEP:
        return []
    models = dict.fromkeys(folders(final_weights()))
    return [f"{RESULTS}/weights/README.md", *(f"{own}/config.json" for own in models)]


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
# worth reading only if nothing else runs beside it.
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
        addition=lambda wildcards: as_argument(
            study.training_settings(config, "modular_addition", "softmax_L1")
        ),
        regression=lambda wildcards: as_argument(
            study.training_settings(config, "linear_regression", "linear_L1")
        ),
    shell:
        f"python {SCRIPTS}/benchmark.py --addition {{params.addition:q}}"
        " --regression {params.regression:q} --output {output:q} --threads {threads}"
        " > {log:q} 2>&1"


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
    if os.path.exists(PROVENANCE):  # not of a single file that was asked for
        words = screen.last(config, RESULTS, time.monotonic() - STARTED)
        print(words, file=sys.stderr)


onerror:
    print(screen.failed(workflow.scheduler.failed), file=sys.stderr)
