# Provenance: from what every file of the study was made, by which code. Recorded last.
PROVENANCE = f"{RESULTS}/provenance.json"
JOBS = f"{RESULTS}/logs/jobs.json"


def described(job):
    """What the record needs to know of a job. Files of the study are named from its folder."""
    read = list(map(str, job.input))
    return {
        "rule": job.rule.name,
        "code": [path for path in read if not path.startswith(f"{RESULTS}/")],
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


# Snakemake knows which job makes what from what; it has no list of it that outlives its own
# metadata, and a command line is too short for one. It is written when a run of the study begins.
onstart:
    jobs = [described(job) for job in workflow.dag.jobs if job.output]
    if any(job["rule"] == "record_provenance" for job in jobs):
        with atomic(Path(JOBS)) as part:
            part.write_text(
                json.dumps(sorted(jobs, key=lambda job: job["outputs"]), indent=1)
            )


rule record_provenance:
    input:
        code=program("record_provenance"),
        lock="envs/requirements.txt",
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
        device=config["device"],
    params:
        study=RESULTS,
        jobs=JOBS,
        config=as_argument(study.of_results(config)),
    shell:
        "python scripts/record_provenance.py --study {params.study:q} --jobs {params.jobs:q}"
        " --config {params.config:q} --lock {input.lock:q} --device {resources.device}"
        " --output {output:q} > {log:q} 2>&1"
