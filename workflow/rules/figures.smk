# Figures: each depends on its own module in mechanics.figures, and on the tables that it is drawn from.
FIGURES = {
    **{name: task for task, own in registry.FIGURES.items() for name in own},
    **dict.fromkeys(registry.OF_A_SWEEP, "modular_addition"),
}


def drawn(task):
    """The figures of a track, without those of tables that this study does not have."""
    made = {registry.HISTORY, *(name for own in TRACKS for name in tables_of(own))}
    return [name for name, read in registry.FIGURES[task].items() if set(read) <= made]


def drawn_from(figure):
    """The tables of a figure, in the order of its arguments."""
    task = FIGURES[figure]
    histories = runs(task, "history.parquet", variants=False)
    return [
        path
        for name in (registry.FIGURES[task] | registry.OF_A_SWEEP)[figure]
        for path in (histories if name == registry.HISTORY else [table(name)])
    ]


rule plot:
    input:
        code=lambda wildcards: program("plot", f"mechanics/figures/{wildcards.figure}"),
        tables=lambda wildcards: drawn_from(wildcards.figure),
    output:
        pdf=ensure(f"{RESULTS}/figures/{{figure}}.pdf", non_empty=True),
        png=report(
            f"{RESULTS}/figures/{{figure}}.png",
            caption="../report/figure_caption.rst",
            category=lambda wildcards: (
                "Track A"
                if FIGURES[wildcards.figure] == "linear_regression"
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
        figure="|".join(FIGURES),
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        caption=lambda wildcards: registry.caption(wildcards.figure),
        folder=lambda wildcards, output: Path(output[0]).parent,
    shell:
        f"python {SCRIPTS}/plot.py"
        " --figure {wildcards.figure} --tables {input.tables:q}"
        " --output {params.folder:q} > {log:q} 2>&1"
