# The figures that are drawn from tables. One program for all; each depends on its own module alone.
rule plot:
    input:
        code=lambda wildcards: program(
            "plot", f"mechanics/figures/{FIGURES[wildcards.figure][0]}"
        ),
        tables=drawn_from,
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
