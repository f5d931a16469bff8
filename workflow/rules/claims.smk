# The numbers that are stated, and the report that states them.


rule write_numbers:
    input:
        code=program("write_numbers"),
        compared=tables("comparative_metrics")[0],
        tables=numbered_tables(),
        runs=[path for task in TASKS for path in runs(task, "run.json")],
    output:
        ensure(f"{RESULTS}/report/claims.json", non_empty=True),
    log:
        f"{RESULTS}/logs/write_numbers.log",
    benchmark:
        f"{RESULTS}/benchmarks/write_numbers.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        settings=as_argument(stated.stated_settings(config)),
    shell:
        f"python {SCRIPTS}/write_numbers.py"
        " --settings {params.settings:q}"
        " --tables {input.compared:q} {input.tables:q} --runs {input.runs:q}"
        " --output {output:q} > {log:q} 2>&1"


rule build_report:
    input:
        code=program("build_report"),
        source=[
            from_here(ROOT / f"workflow/report/{name}")
            for name in ("report.typ", "layout.typ", "prose.typ", "references.bib")
        ],
        claims=rules.write_numbers.output,
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
        f"python {SCRIPTS}/build_report.py"
        " --source {params.source:q} --claims {input.claims:q}"
        " --figures {input.figures:q} --output {output:q} > {log:q} 2>&1"
