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
        progress=lambda wildcards: (  # a sweep does not analyse checkpoints
            [] if SWEEP else evaluations("modular_addition", "progress.parquet")
        ),
    output:
        table=report(
            f"{RESULTS}/tables/grokking.csv",
            caption="../report/grokking_table.rst",
            category="Track B",
            subcategory="Tables",
            labels={"table": "grokking"},
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
        analysis=f"{RESULTS}/analysis",
        variants=lambda wildcards: as_argument(
            study.variants(config["modular_addition"])
        ),
    shell:
        f"python {SCRIPTS}/tabulate_grokking.py"
        " --runs {params.folders:q} --analysis {params.analysis:q}"
        " --progress {input.progress:q} --variants {params.variants:q}"
        " --output {output.table:q} > {log:q} 2>&1"


rule tabulate_circuit:
    input:
        code=program("tabulate_circuit"),
        runs=lambda wildcards: runs("modular_addition", "run.json"),
        circuit=lambda wildcards: evaluations("modular_addition", "circuit.parquet"),
        progress=lambda wildcards: evaluations("modular_addition", "progress.parquet"),
        identities=lambda wildcards: evaluations(
            "modular_addition", "identities.parquet"
        ),
    output:
        table=report(
            f"{RESULTS}/tables/circuit.csv",
            caption="../report/circuit_table.rst",
            category="Track B",
            subcategory="Tables",
            labels={"table": "circuit"},
        ),
    log:
        f"{RESULTS}/logs/tabulate_circuit.log",
    benchmark:
        f"{RESULTS}/benchmarks/tabulate_circuit.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        folders=lambda wildcards, input: folders(input.runs),
        variants=lambda wildcards: as_argument(
            study.variants(config["modular_addition"])
        ),
    shell:
        f"python {SCRIPTS}/tabulate_circuit.py"
        " --runs {params.folders:q} --circuit {input.circuit:q}"
        " --progress {input.progress:q} --identities {input.identities:q}"
        " --variants {params.variants:q} --output {output.table:q} > {log:q} 2>&1"


rule tabulate_patching:
    input:
        code=program("tabulate_patching"),
        neurons=addition_table("neuron_patching"),
        groups=addition_table("patching_groups"),
    output:
        table=report(
            f"{RESULTS}/tables/patching_summary.csv",
            caption="../report/patching_summary_table.rst",
            category="Track B",
            subcategory="Tables",
            labels={"table": "patching_summary"},
        ),
    log:
        f"{RESULTS}/logs/tabulate_patching.log",
    benchmark:
        f"{RESULTS}/benchmarks/tabulate_patching.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    shell:
        f"python {SCRIPTS}/tabulate_patching.py"
        " --neurons {input.neurons:q} --groups {input.groups:q}"
        " --output {output.table:q} > {log:q} 2>&1"


rule gather_addition:
    input:
        code=program("gather"),
        runs=lambda wildcards: gathered_addition_runs(wildcards.table),
        analysis=lambda wildcards: analysed(
            gathered_addition_runs(wildcards.table),
            f"{GATHERED_ADDITION[wildcards.table][0]}.parquet",
        ),
    output:
        table=report(
            f"{RESULTS}/tables/{{table}}.csv",
            caption="../report/table_caption.rst",
            category="Track B",
            subcategory="Tables",
            labels={"table": "{table}"},
        ),
    log:
        f"{RESULTS}/logs/gather_{{table}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/gather_{{table}}.tsv"
    wildcard_constraints:
        table="|".join(name for name in GATHERED_ADDITION if name not in TOO_LONG),
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=10,
    params:
        folders=lambda wildcards, input: folders(input.runs),
        variants=lambda wildcards: as_argument(
            study.variants(config["modular_addition"])
        ),
    shell:
        f"python {SCRIPTS}/gather.py"
        " --runs {params.folders:q} --analysis {input.analysis:q}"
        " --variants {params.variants:q} --output {output.table:q} > {log:q} 2>&1"


# What is too long to read is no part of Snakemake's report.
use rule gather_addition as gather_addition_long with:
    output:
        table=ensure(f"{RESULTS}/analysis/{{table}}.parquet", non_empty=True),
    wildcard_constraints:
        table="|".join(TOO_LONG),
