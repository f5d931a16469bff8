# The record: from what every file of the study was made, by which code. Recorded last.
PROVENANCE = f"{RESULTS}/ro-crate-metadata.json"
JOBS = f"{RESULTS}/logs/jobs.json"


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
    params:
        jobs=JOBS,
        config=as_argument(study.of_results(config)),
    shell:
        "python scripts/record_provenance.py --jobs {params.jobs:q} --config {params.config:q}"
        " --output {output:q} > {log:q} 2>&1"
