# Benchmark: what a training step and the workflow cost, and a forecast of the study. Asked for by
# name, `make benchmark`; no part of `all`, and worth reading only if nothing else runs beside it.


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
        # no input: the records of a study are read if they are there, none is made for this
        study=lambda wildcards, output: Path(output[0]).parents[1],
        config_files=list(map(str, workflow.config_settings.configfiles)),
    shell:
        "python scripts/benchmark.py --addition {params.addition:q}"
        " --regression {params.regression:q} --study {params.study:q}"
        " --published results/published --config-files {params.config_files:q}"
        " --output {output:q} --threads {threads} > {log:q} 2>&1"
