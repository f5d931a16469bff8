# A sweep: many short-lived runs, one table and one figure, no analysis of every run.


def sweep_results():
    """What is made of a study whose config has a sweep, in place of addition_results()."""
    return [addition_table("grokking"), *figures("grokking_sweep")]


rule plot_sweep:
    input:
        code=program("plot_sweep"),
        table=addition_table("grokking"),
    output:
        report(
            multiext(f"{RESULTS}/figures/grokking_sweep", ".pdf", ".png"),
            caption="../report/grokking_sweep.rst",
            category="Track B",
        ),
    log:
        f"{RESULTS}/logs/plot_sweep.log",
    benchmark:
        f"{RESULTS}/benchmarks/plot_sweep.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        folder=lambda wildcards, output: Path(output[0]).parent,
    shell:
        "python scripts/plot_sweep.py --table {input.table:q} --output {params.folder:q}"
        " > {log:q} 2>&1"
