# Provenance: from what every file of the study was made, by which code. Recorded last.
PROVENANCE = f"{RESULTS}/provenance.json"
JOBS = f"{RESULTS}/logs/jobs.json"


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
        study=lambda wildcards, output: Path(output[0]).parent,
        jobs=JOBS,
        config=as_argument(study.of_results(config)),
    shell:
        f"python {SCRIPTS}/record_provenance.py"
        " --study {params.study:q} --jobs {params.jobs:q}"
        " --config {params.config:q} --lock {input.lock:q}"
        " --output {output:q} > {log:q} 2>&1"
