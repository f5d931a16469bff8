# The figures. One program for all; each depends on its own module alone.
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
        "python scripts/plot.py --figure {wildcards.figure} --tables {input.tables:q}"
        " --output {params.folder:q} > {log:q} 2>&1"
