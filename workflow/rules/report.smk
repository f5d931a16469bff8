# What a reader sees: tables and figures.
CURVES = {
    "linear_regression": "regression_learning_curves",
    "modular_addition": "grokking_curves",
}
TASK_OF = {figure: task for task, figure in CURVES.items()}


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
        f"python {SCRIPTS}/compare.py"
        " --settings {params.settings:q} --runs {params.folders:q}"
        " --analysis {params.analysis:q} --output {params.stem:q} > {log:q} 2>&1"


rule plot_learning_curves:
    input:
        code=program("plot_learning_curves"),
        runs=lambda wildcards: [
            path
            for file in ("run.json", "history.parquet")
            for path in runs(TASK_OF[wildcards.figure], file, variants=False)
        ],
    output:
        pdf=ensure(f"{RESULTS}/figures/{{figure}}.pdf", non_empty=True),
        png=report(
            f"{RESULTS}/figures/{{figure}}.png",
            caption="../report/figure_caption.rst",
            category=lambda wildcards: (
                "Track A"
                if TASK_OF[wildcards.figure] == "linear_regression"
                else "Track B"
            ),
            subcategory="Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        f"{RESULTS}/logs/plot_{{figure}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/plot_{{figure}}.tsv"
    wildcard_constraints:
        figure="|".join(CURVES.values()),
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        task=lambda wildcards: TASK_OF[wildcards.figure],
        folders=lambda wildcards: folders(
            runs(TASK_OF[wildcards.figure], "run.json", variants=False)
        ),
        folder=lambda wildcards, output: Path(output[0]).parent,
    shell:
        f"python {SCRIPTS}/plot_learning_curves.py"
        " --task {params.task}"
        " --runs {params.folders:q} --output {params.folder:q} > {log:q} 2>&1"
