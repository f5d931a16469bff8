# Track B: the tables and figures of what was measured.


rule tabulate_grokking:
    input:
        code=program("tabulate_grokking"),
        runs=lambda wildcards: [
            path
            for file in ("run.json", "history.parquet")
            for path in runs("modular_addition", file)
        ],
        analysis=lambda wildcards: evaluations("modular_addition", "evaluation.parquet"),
    output:
        table=report(
            f"{RESULTS}/tables/grokking.csv",
            caption="../report/grokking_table.rst",
            category="Track B",
        ),
    log:
        f"{RESULTS}/logs/tabulate_grokking.log",
    benchmark:
        f"{RESULTS}/benchmarks/tabulate_grokking.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        folders=lambda wildcards: folders(runs("modular_addition", "run.json")),
        variants=lambda wildcards: as_argument(
            study.variants(config["modular_addition"])
        ),
    shell:
        "python scripts/tabulate_grokking.py --runs {params.folders:q} --analysis {input.analysis:q}"
        " --variants {params.variants:q} --output {output.table:q} > {log:q} 2>&1"
