# The claims and the report: what is said of the numbers.
rule make_claims:
    input:
        code=program("make_claims"),
        declared="workflow/report/claims.yaml",
        compared=tables("comparative_metrics")[0],
        tables=claimed_tables(),
        runs=[path for task in TASKS for path in runs(task, "run.json")],
    output:
        ensure(f"{RESULTS}/report/claims.json", non_empty=True),
    log:
        f"{RESULTS}/logs/make_claims.log",
    benchmark:
        f"{RESULTS}/benchmarks/make_claims.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        study=as_argument(
            declared.study_slice(
                config, CLAIMS, [Path(path).stem for path in claimed_tables()]
            )
        ),
    shell:
        "python scripts/make_claims.py --declared {input.declared} --study {params.study:q}"
        " --tables {input.compared:q} {input.tables:q} --runs {input.runs:q}"
        " --output {output:q} > {log:q} 2>&1"


rule build_report:
    input:
        code=program("build_report"),
        source=[
            f"workflow/report/{name}"
            for name in ("report.typ", "layout.typ", "prose.typ", "references.bib")
        ],
        claims=rules.make_claims.output,
        figures=[
            f"{RESULTS}/figures/{name}.pdf"
            for task in TASKS
            for name in REPORT_FIGURES[task]
        ],
    output:
        report(
            f"{RESULTS}/report/report.pdf",
            caption="../report/report.rst",
            category="Report",
        ),
    log:
        f"{RESULTS}/logs/build_report.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_report.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        source=lambda wildcards, input: Path(input.source[0]).parent,
    shell:
        "python scripts/build_report.py --source {params.source:q} --claims {input.claims:q}"
        " --figures {input.figures:q} --output {output:q} > {log:q} 2>&1"
