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
        mem_mb=8000,  # a stack of 32 addition networks keeps gigabytes for its backward pass
        runtime=60,
    params:
        addition=lambda wildcards: as_argument(
            study.training_settings(config, "modular_addition", "softmax_L1")
        ),
        regression=lambda wildcards: as_argument(
            study.training_settings(config, "linear_regression", "linear_L1")
        ),
        # no input: the weights of a study are timed if they are there, none is trained for this
        study=lambda wildcards, output: Path(output[0]).parents[1],
    shell:
        f"python {SCRIPTS}/benchmark.py"
        " --addition {params.addition:q}"
        " --regression {params.regression:q} --study {params.study:q}"
        " --output {output:q} --threads {threads} > {log:q} 2>&1"
