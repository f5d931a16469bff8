# Figures: each depends on its own module in mechanics.figures, and on the tables that it is drawn from.
REGRESSION_FIGURES = {
    "regression_risk_by_context": ("regression_risk", ["regression_risk"]),
    "effective_weights": ("effective_weights", ["effective_weights"]),
    "algorithm_match": (
        "algorithm_match",
        ["algorithm_match", "algorithm_match_by_step"],
    ),
    "attention_maps_regression": (
        "attention_maps_regression",
        ["attention_match", "attention_examples", "query_key"],
    ),
    "depth_bracket": ("depth_bracket", ["regression_risk", "layer_readout"]),
    "kernel_smoother": ("kernel_smoother", ["kernel_smoother"]),
    "rank_collapse": ("rank_collapse", ["rank_collapse"]),
    "regression_generalisation": (
        "regression_generalisation",
        ["regression_generalisation"],
    ),
    "regression_emergence": ("regression_emergence", ["emergence", "emergence_curves"]),
    "report_regression": (
        "report_regression",
        ["regression_risk", "effective_weights", "algorithm_match"],
    ),
}
ADDITION_FIGURES = {
    "progress_measures": (
        "progress_measures",
        ["progress_measures", "excluded_loss"],
    ),
    "weight_norm": ("grokking_runs", ["progress_measures", "grokking"]),
    "weight_decay_survival": ("grokking_runs", ["grokking"]),
    "embedding_spectrum": ("embedding", ["embedding", "circuit"]),
    "embedding_svd": ("embedding", ["embedding", "circuit"]),
    "embedding_circles": ("embedding", ["embedding", "embedding_circles"]),
    "neuron_frequencies": ("neuron_frequencies", ["neuron_frequencies", "circuit"]),
    "logit_identities": ("neuron_frequencies", ["logit_identities", "circuit"]),
    "neuron_patching": ("neuron_patching", ["neuron_patching", "patching_groups"]),
    "frequency_ablation": ("frequency_ablation", ["frequency_ablation"]),
    "embedding_ablation": ("embedding_ablation", ["embedding_ablation"]),
    "parsimony": ("parsimony", ["parsimony"]),
    "attention_maps_addition": (
        "attention_maps_addition",
        ["attention_addition", "attention_maps"],
    ),
    "weight_decay_circuit": ("grokking_runs", ["grokking", "circuit"]),
    "report_addition": (
        "report_addition",
        ["progress_measures", "embedding", "circuit", "grokking"],
    ),
    "report_cause": (
        "report_cause",
        ["frequency_ablation", "patching_groups", "parsimony", "grokking"],
    ),
}
OF_ALL_ARMS = (  # the others: main configurations
    "weight_norm",
    "weight_decay_survival",
    "weight_decay_circuit",
    "report_addition",
    "report_cause",
)
# A sweep: many runs, one table and one figure, no analysis of every run.
SWEEP_FIGURES = {"grokking_sweep": ("grokking_sweep", ["grokking"])}
FIGURES = REGRESSION_FIGURES | ADDITION_FIGURES | SWEEP_FIGURES
CURVES = {
    "linear_regression": "regression_learning_curves",
    "modular_addition": "grokking_curves",
}
TASK_OF = {figure: task for task, figure in CURVES.items()}


def drawn(track):
    """The figures of a track, without those of tables that this study does not have."""
    made = [name for own in TRACKS for name in tables_of(own)]
    every = REGRESSION_FIGURES if track == "linear_regression" else ADDITION_FIGURES
    return [name for name, (_, read) in every.items() if set(read) <= set(made)]


rule plot:
    input:
        code=lambda wildcards: program(
            "plot", f"mechanics/figures/{FIGURES[wildcards.figure][0]}"
        ),
        tables=lambda wildcards: list(map(table, FIGURES[wildcards.figure][1])),
    output:
        pdf=ensure(f"{RESULTS}/figures/{{figure}}.pdf", non_empty=True),
        png=report(
            f"{RESULTS}/figures/{{figure}}.png",
            caption="../report/figure_caption.rst",
            category=lambda wildcards: (
                "Track A" if wildcards.figure in REGRESSION_FIGURES else "Track B"
            ),
            subcategory="Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        f"{RESULTS}/logs/plot_{{figure}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/plot_{{figure}}.tsv"
    wildcard_constraints:
        figure="|".join(FIGURES),
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        module=lambda wildcards: FIGURES[wildcards.figure][0],
        arm=lambda wildcards: (
            "--arm main"
            if wildcards.figure in ADDITION_FIGURES
            and wildcards.figure not in OF_ALL_ARMS
            else ""
        ),
        folder=lambda wildcards, output: Path(output[0]).parent,
    shell:
        f"python {SCRIPTS}/plot.py"
        " --figure {wildcards.figure} --module {params.module}"
        " --tables {input.tables:q} {params.arm} --output {params.folder:q} > {log:q} 2>&1"


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
