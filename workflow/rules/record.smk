# The record of what was made from what, the benchmark, and what is done before and after all jobs.
from mechanics.study import failures
from mechanics.study import slurm

PROVENANCE = f"{RESULTS}/ro-crate-metadata.json"
JOBS = f"{RESULTS}/logs/jobs.json"


def described(job):
    """What the record needs to know of a job. Files are named from the study's folder, code from ours."""
    read = list(map(str, job.input))
    return {
        "rule": "train" if job.rule.name.startswith("train_") else job.rule.name,
        "code": [
            os.path.relpath(path, ROOT)
            for path in read
            if not path.startswith(f"{RESULTS}/")
        ],
        "inputs": [
            path.removeprefix(f"{RESULTS}/")
            for path in read
            if path.startswith(f"{RESULTS}/")
        ],
        "outputs": [str(path).removeprefix(f"{RESULTS}/") for path in job.output],
        "settings": job.params.get("settings"),
        "seeds": [int(job.wildcards.seed)] if "seed" in job.wildcards_dict else [],
        "device": job.resources.get("device"),
    }


rule record_provenance:
    input:
        code=program("record_provenance"),
        lock=from_here(ROOT / "envs/requirements.txt"),
        made=lambda wildcards: [path for path in rules.all.input if path != PROVENANCE],
    output:
        ensure(PROVENANCE, non_empty=True),
    log:
        f"{RESULTS}/logs/record_provenance.log",
    benchmark:
        f"{RESULTS}/benchmarks/record_provenance.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=15,
    params:
        jobs=JOBS,
        config=as_argument(study.of_results(config)),
    shell:
        f"python {SCRIPTS}/record_provenance.py"
        " --jobs {params.jobs:q} --config {params.config:q}"
        " --output {output:q} > {log:q} 2>&1"


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
        # no input: the weights of a study are timed if they are there, none is trained for this
        study=lambda wildcards, output: Path(output[0]).parents[1],
    shell:
        f"python {SCRIPTS}/benchmark.py"
        " --addition {params.addition:q}"
        " --regression {params.regression:q} --study {params.study:q}"
        " --output {output:q} --threads {threads} > {log:q} 2>&1"


def check_scheduler():
    """What would keep every Slurm job from coming back is said once, before one is sent."""
    if workflow.executor_plugin.name != "slurm":
        return
    settings = workflow.executor_settings
    partitions = slurm.partitions_of(
        workflow.dag.needrun_jobs(), settings.partition_config
    )
    problem = slurm.obstacle(settings.status_command, partitions)
    if problem:
        raise WorkflowError(problem)


def write_jobs():
    """Which job makes what from what, for the provenance.

    Snakemake has no list of it that outlives its own metadata, and a command line is too short.
    """
    own = [
        job
        for job in workflow.dag.jobs
        if str(*job.output[:1]).startswith(f"{RESULTS}/")
    ]
    jobs = list(map(described, own))
    if any(PROVENANCE in job.output for job in own):
        with atomic(Path(JOBS)) as part:
            part.write_text(
                json.dumps(sorted(jobs, key=lambda job: job["outputs"]), indent=1)
            )


def notice_cancelled_jobs():
    """The executor knows such a job by `squeue`, but not by `sacct`: see slurm.first_words."""
    if workflow.executor_plugin.name == "slurm":
        import snakemake_executor_plugin_slurm as executor

        executor.query_job_status = slurm.first_words(executor.query_job_status)


onstart:
    check_scheduler()
    notice_cancelled_jobs()
    write_jobs()


onerror:
    print(failures.summary(workflow.scheduler.failed), file=sys.stderr)
