# Figures: one program for all; each depends on its own module, and on what it is drawn from.
FIGURES = {
    **{name: task for task, own in registry.FIGURES.items() for name in own},
    **dict.fromkeys(registry.OF_A_SWEEP, "modular_addition"),
}


def drawn_from(figure):
    """The files that a figure is drawn from, in the order of its arguments."""
    task = FIGURES[figure]
    histories = runs(task, "history.parquet", variants=False)
    return [
        path
        for name in (registry.FIGURES[task] | registry.OF_A_SWEEP)[figure]
        for path in (histories if name == registry.HISTORY else [table(name)])
    ]


def drawn(task, report=True):
    """The figures of a track, without those of tables that this study does not have.

    Without those of the report each panel is shown once: they are strips of panels of the others.
    """
    made = {name for track in TRACKS for name in tables_of(track)} | {registry.HISTORY}
    return [
        name
        for name, read in registry.FIGURES[task].items()
        if made.issuperset(read) and (report or not name.startswith(registry.REPORT))
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
            category=lambda wildcards: TRACKS[FIGURES[wildcards.figure]],
            subcategory="Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        f"{RESULTS}/logs/plot/{{figure}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/plot/{{figure}}.tsv"
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
        " --figure {wildcards.figure} --tables {input.tables:q} --output {params.folder:q}"
        " > {log:q} 2>&1"
