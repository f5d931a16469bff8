# The comparative table.


rule compare:
    input:
        code=program("compare"),
        runs=[
            path
            for task in TASKS
            for file in ("run.json", "history.parquet")
            for path in runs(task, file, variants=False)
        ],
        analysis=[
            path
            for task in TASKS
            for name in COMPARED[task]
            for path in evaluations(task, name, variants=False)
        ],
    output:
        csv=report(
            f"{RESULTS}/tables/comparative_metrics.csv",
            caption="../report/comparative_metrics.rst",
            category="Comparison",
            subcategory="Tables",
            labels={"table": "comparative_metrics"},
        ),
        md=ensure(f"{RESULTS}/tables/comparative_metrics.md", non_empty=True),
    log:
        f"{RESULTS}/logs/compare.log",
    benchmark:
        f"{RESULTS}/benchmarks/compare.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        folders=[
            folder
            for task in TASKS
            for folder in folders(runs(task, "run.json", variants=False))
        ],
        analysis=lambda wildcards, input: Path(input.analysis[0]).parents[3],
        stem=lambda wildcards, output: Path(output[0]).with_suffix(""),
        settings=as_argument(study.table_settings(config)),
    shell:
        "python scripts/compare.py --settings {params.settings:q} --runs {params.folders:q}"
        " --analysis {params.analysis:q} --output {params.stem:q} > {log:q} 2>&1"
