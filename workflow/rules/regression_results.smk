# Track A: the tables and figures of what was measured.


def on_tokens(entry):
    return entry["d_model"] == "token"


# A table that puts what one rule wrote for every run into one file: the analysis it gathers, and
# the networks for which that analysis is defined.
GATHERED = {
    "attention_match": ("attention", lambda entry: True),
    "attention_examples": ("attention_examples", lambda entry: True),
    "query_key": ("query_key", on_tokens),
    "kernel_smoother": (
        "smoother",
        lambda entry: on_tokens(entry)
        and entry["attention"] == "softmax"
        and entry["n_layers"] == 1,
    ),
    "layer_readout": ("layers", lambda entry: entry["n_layers"] > 1),
    "rank_collapse": (
        "rank_collapse",
        lambda entry: entry["n_layers"] > 1 and entry["attention"] == "softmax",
    ),
    "regression_generalisation": ("generalisation", lambda entry: True),
}
# What each figure is drawn from.
REGRESSION_FIGURES = {
    "regression_risk_by_context": ["regression_risk"],
    "effective_weights": ["effective_weights"],
    "algorithm_match": ["algorithm_match", "algorithm_match_by_step"],
    "attention_maps_regression": ["attention_match", "attention_examples", "query_key"],
    "depth_bracket": ["regression_risk", "layer_readout"],
    "kernel_smoother": ["kernel_smoother"],
    "rank_collapse": ["rank_collapse"],
    "regression_generalisation": ["regression_generalisation"],
    "regression_emergence": ["emergence", "emergence_curves"],
}


def gathered_runs(table):
    """run.json of the regression runs that a gathered table speaks of."""
    section = config["linear_regression"]
    suitable = GATHERED[table][1]
    return [
        path
        for path in runs("linear_regression", "run.json")
        if suitable(study.model_entry(section, Path(path).parents[1].name))
    ]


def table(name):
    """Where a table lies: what is too long to read is kept with the analyses."""
    if name in ("algorithm_match_by_step", "emergence_curves"):
        return f"{RESULTS}/analysis/{name}.parquet"
    return f"{RESULTS}/tables/{name}.csv"


def regression_results():
    """Tables and figures of Track A, without those that no network of the study is fit for."""
    if "linear_regression" not in TASKS:
        return []
    missing = {name for name in GATHERED if not gathered_runs(name)}
    drawn = [
        name
        for name, needed in REGRESSION_FIGURES.items()
        if not missing.intersection(needed)
    ]
    own = ["regression_risk", "effective_weights", "algorithm_match", "emergence"]
    return [
        *map(table, own),
        *(table(name) for name in GATHERED if name not in missing),
        *figures(*drawn),
    ]


rule tabulate_risk:
    input:
        code=program("tabulate_risk"),
        runs=lambda wildcards: runs("linear_regression", "run.json"),
        analysis=lambda wildcards: evaluations("linear_regression", "risk.parquet"),
    output:
        report(
            table("regression_risk"),
            caption="../report/regression_risk.rst",
            category="Track A",
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
        "python scripts/tabulate_risk.py --runs {params.folders:q} --analysis {input.analysis:q}"
        " --output {output[0]:q} > {log:q} 2>&1"


rule tabulate_effective_weights:
    input:
        code=program("tabulate_effective_weights"),
        runs=lambda wildcards: runs("linear_regression", "run.json"),
        analysis=lambda wildcards: evaluations(
            "linear_regression", "effective_weights.parquet"
        ),
    output:
        report(
            table("effective_weights"),
            caption="../report/effective_weights_table.rst",
            category="Track A",
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
        "python scripts/tabulate_effective_weights.py --runs {params.folders:q} --analysis {input.analysis:q}"
        " --output {output[0]:q} > {log:q} 2>&1"


rule tabulate_algorithms:
    input:
        code=program("tabulate_algorithms"),
        runs=lambda wildcards: runs("linear_regression", "run.json"),
        analysis=lambda wildcards: evaluations("linear_regression", "distances.parquet"),
        by_step=lambda wildcards: evaluations("linear_regression", "algorithms.parquet"),
    output:
        report(
            table("algorithm_match"),
            caption="../report/algorithm_match_table.rst",
            category="Track A",
        ),
        table("algorithm_match_by_step"),
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
        "python scripts/tabulate_algorithms.py --runs {params.folders:q}"
        " --analysis {input.analysis:q} --by-step {input.by_step:q}"
        " --output {output[0]:q} --output-by-step {output[1]:q} > {log:q} 2>&1"


rule tabulate_emergence:
    input:
        code=program("tabulate_emergence"),
        runs=[path for task in TASKS for path in runs(task, "run.json")],
        histories=[path for task in TASKS for path in runs(task, "history.parquet")],
    output:
        report(
            table("emergence"),
            caption="../report/emergence_table.rst",
            category="Track A",
        ),
        table("emergence_curves"),
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
        "python scripts/tabulate_emergence.py --runs {params.folders:q}"
        " --output {output[0]:q} --curves {output[1]:q} > {log:q} 2>&1"


rule gather:
    input:
        code=program("gather"),
        runs=lambda wildcards: gathered_runs(wildcards.table),
        analysis=lambda wildcards: analysed(
            gathered_runs(wildcards.table), f"{GATHERED[wildcards.table][0]}.parquet"
        ),
    output:
        report(
            f"{RESULTS}/tables/{{table}}.csv",
            caption="../report/{table}_table.rst",
            category="Track A",
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
        "python scripts/gather.py --runs {params.folders:q} --analysis {input.analysis:q}"
        " --output {output[0]:q} > {log:q} 2>&1"


rule plot_regression:
    input:
        code=program("plot_regression"),
        tables=lambda wildcards: [
            table(name) for name in REGRESSION_FIGURES[wildcards.figure]
        ],
    output:
        report(
            multiext(f"{RESULTS}/figures/{{figure}}", ".pdf", ".png"),
            caption="../report/{figure}.rst",
            category="Track A",
        ),
    log:
        f"{RESULTS}/logs/plot_{{figure}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/plot_{{figure}}.tsv"
    wildcard_constraints:
        figure="|".join(REGRESSION_FIGURES),
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        folder=lambda wildcards, output: Path(output[0]).parent,
    shell:
        "python scripts/plot_regression.py --figure {wildcards.figure}"
        " --tables {input.tables:q} --output {params.folder:q} > {log:q} 2>&1"
