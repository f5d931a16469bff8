# Track A: the tables and figures of what was measured.


rule tabulate_risk:
    input:
        code=program("tabulate_risk"),
        runs=lambda wildcards: runs("linear_regression", "run.json"),
        analysis=lambda wildcards: evaluations("linear_regression", "risk.parquet"),
    output:
        table=report(
            table("regression_risk"),
            caption="../report/regression_risk.rst",
            category="Track A",
            subcategory="Tables",
            labels={"table": "regression_risk"},
        ),
    log:
        f"{RESULTS}/logs/tabulate_risk.log",
    benchmark:
        f"{RESULTS}/benchmarks/tabulate_risk.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        folders=lambda wildcards, input: folders(input.runs),
    shell:
        f"python {SCRIPTS}/tabulate_risk.py"
        " --runs {params.folders:q} --analysis {input.analysis:q}"
        " --output {output.table:q} > {log:q} 2>&1"


rule tabulate_effective_weights:
    input:
        code=program("tabulate_effective_weights"),
        runs=lambda wildcards: runs("linear_regression", "run.json"),
        analysis=lambda wildcards: evaluations(
            "linear_regression", "effective_weights.parquet"
        ),
    output:
        table=report(
            table("effective_weights"),
            caption="../report/effective_weights_table.rst",
            category="Track A",
            subcategory="Tables",
            labels={"table": "effective_weights"},
        ),
    log:
        f"{RESULTS}/logs/tabulate_effective_weights.log",
    benchmark:
        f"{RESULTS}/benchmarks/tabulate_effective_weights.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        folders=lambda wildcards, input: folders(input.runs),
    shell:
        f"python {SCRIPTS}/tabulate_effective_weights.py"
        " --runs {params.folders:q} --analysis {input.analysis:q}"
        " --output {output.table:q} > {log:q} 2>&1"


rule tabulate_algorithms:
    input:
        code=program("tabulate_algorithms"),
        runs=lambda wildcards: runs("linear_regression", "run.json"),
        analysis=lambda wildcards: evaluations("linear_regression", "distances.parquet"),
        by_step=lambda wildcards: evaluations("linear_regression", "algorithms.parquet"),
    output:
        table=report(
            table("algorithm_match"),
            caption="../report/algorithm_match_table.rst",
            category="Track A",
            subcategory="Tables",
            labels={"table": "algorithm_match"},
        ),
        by_step=table("algorithm_match_by_step"),
    log:
        f"{RESULTS}/logs/tabulate_algorithms.log",
    benchmark:
        f"{RESULTS}/benchmarks/tabulate_algorithms.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        folders=lambda wildcards, input: folders(input.runs),
    shell:
        f"python {SCRIPTS}/tabulate_algorithms.py"
        " --runs {params.folders:q}"
        " --analysis {input.analysis:q} --by-step {input.by_step:q}"
        " --output {output.table:q} --output-by-step {output.by_step:q} > {log:q} 2>&1"


rule tabulate_emergence:
    input:
        code=program("tabulate_emergence"),
        runs=[path for task in TASKS for path in runs(task, "run.json", variants=False)],
        histories=[
            path
            for task in TASKS
            for path in runs(task, "history.parquet", variants=False)
        ],
        progress=[
            path
            for task in TASKS
            if task == "modular_addition"
            for path in evaluations(task, "progress.parquet", variants=False)
        ],
    output:
        table=report(
            table("emergence"),
            caption="../report/emergence_table.rst",
            category="Comparison",
            subcategory="Tables",
            labels={"table": "emergence"},
        ),
        curves=table("emergence_curves"),
    log:
        f"{RESULTS}/logs/tabulate_emergence.log",
    benchmark:
        f"{RESULTS}/benchmarks/tabulate_emergence.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        folders=lambda wildcards, input: folders(input.runs),
    shell:
        f"python {SCRIPTS}/tabulate_emergence.py"
        " --runs {params.folders:q} --progress {input.progress:q}"
        " --output {output.table:q} --curves {output.curves:q} > {log:q} 2>&1"


rule gather:
    input:
        code=program("gather"),
        runs=lambda wildcards: gathered_runs(wildcards.table),
        analysis=lambda wildcards: analysed(
            gathered_runs(wildcards.table), f"{GATHERED[wildcards.table][0]}.parquet"
        ),
    output:
        table=report(
            f"{RESULTS}/tables/{{table}}.csv",
            caption="../report/table_caption.rst",
            category="Track A",
            subcategory="Tables",
            labels={"table": "{table}"},
        ),
    log:
        f"{RESULTS}/logs/gather_{{table}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/gather_{{table}}.tsv"
    wildcard_constraints:
        table="|".join(GATHERED),
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        folders=lambda wildcards, input: folders(input.runs),
    shell:
        f"python {SCRIPTS}/gather.py"
        " --runs {params.folders:q} --analysis {input.analysis:q}"
        " --output {output.table:q} > {log:q} 2>&1"
