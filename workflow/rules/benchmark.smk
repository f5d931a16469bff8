# Benchmark: what a training step costs. Asked for by name, `make benchmark`; no part of `all`, and
# worth reading only if nothing else runs beside it.


rule benchmark:
    input:
        code=program("benchmark"),
    output:
        ensure(f"{RESULTS}/tables/benchmark.csv", non_empty=True),
    log:
        f"{RESULTS}/logs/benchmark.log",
    benchmark:
        f"{RESULTS}/benchmarks/benchmark.tsv"
    conda:
        "../../envs/study.yaml"
    threads: config["threads_per_training"]
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        addition=lambda wildcards: as_argument(
            study.training_settings(config, "modular_addition", "softmax_L1")
        ),
        regression=lambda wildcards: as_argument(
            study.training_settings(config, "linear_regression", "linear_L1")
        ),
    shell:
        "python scripts/benchmark.py --addition {params.addition:q}"
        " --regression {params.regression:q} --output {output:q} --threads {threads}"
        " > {log:q} 2>&1"
