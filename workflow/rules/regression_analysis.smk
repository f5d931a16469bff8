# Track A: what is measured on each run, at its end or at every checkpoint.
REGRESSION_RUN = multiext(
    f"{RESULTS}/runs/linear_regression/{{model}}/{{block}}/",
    "run.json",
    "checkpoints.safetensors",
)
# Analyses of the final weights, each by scripts/measure_{analysis}.py.
MEASURED = ("generalisation", "smoother", "layers", "rank_collapse")


rule analyse_checkpoints:
    input:
        code=program("analyse_checkpoints"),
        run=REGRESSION_RUN,
        data=rules.sample_prompts.output,
    output:
        weights=ensure(
            f"{RESULTS}/analysis/linear_regression/{{model}}/{{block}}/effective_weights.parquet",
            non_empty=True,
        ),
        algorithms=ensure(
            f"{RESULTS}/analysis/linear_regression/{{model}}/{{block}}/algorithms.parquet",
            non_empty=True,
        ),
    log:
        f"{RESULTS}/logs/analyse_checkpoints_{{model}}_{{block}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/analyse_checkpoints_{{model}}_{{block}}.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=15,
        device=ANALYSIS_DEVICE,
    params:
        run=lambda wildcards, input: Path(input.run[0]).parent,
    shell:
        f"python {SCRIPTS}/analyse_checkpoints.py"
        " --run {params.run:q} --data {input.data:q}"
        " --effective-weights {output.weights:q} --algorithms {output.algorithms:q} --device {resources.device}"
        " > {log:q} 2>&1"


rule measure_attention:
    input:
        code=program("measure_attention"),
        run=REGRESSION_RUN,
        data=rules.sample_prompts.output,
    output:
        attention=ensure(
            f"{RESULTS}/analysis/linear_regression/{{model}}/{{block}}/attention.parquet",
            non_empty=True,
        ),
        examples=ensure(
            f"{RESULTS}/analysis/linear_regression/{{model}}/{{block}}/attention_examples.parquet",
            non_empty=True,
        ),
        query_key=ensure(
            f"{RESULTS}/analysis/linear_regression/{{model}}/{{block}}/query_key.parquet",
            non_empty=True,
        ),
    log:
        f"{RESULTS}/logs/measure_attention_{{model}}_{{block}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/measure_attention_{{model}}_{{block}}.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=15,
        device=ANALYSIS_DEVICE,
    params:
        run=lambda wildcards, input: Path(input.run[0]).parent,
    shell:
        f"python {SCRIPTS}/measure_attention.py"
        " --run {params.run:q} --data {input.data:q}"
        " --output {output.attention:q} --examples {output.examples:q} --query-key {output.query_key:q} --device {resources.device}"
        " > {log:q} 2>&1"


# The program is that of the analysis, with the same interface for all.
rule measure:
    input:
        code=lambda wildcards: program(f"measure_{wildcards.analysis}"),
        run=REGRESSION_RUN,
        data=rules.sample_prompts.output,
    output:
        ensure(
            f"{RESULTS}/analysis/linear_regression/{{model}}/{{block}}/{{analysis}}.parquet",
            non_empty=True,
        ),
    log:
        f"{RESULTS}/logs/measure_{{analysis}}_{{model}}_{{block}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/measure_{{analysis}}_{{model}}_{{block}}.tsv"
    wildcard_constraints:
        analysis="|".join(MEASURED),
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=15,
        device=ANALYSIS_DEVICE,
    params:
        run=lambda wildcards, input: Path(input.run[0]).parent,
    shell:
        f"python {SCRIPTS}/"
        "measure_{wildcards.analysis}.py --run {params.run:q} --data {input.data:q}"
        " --output {output:q} --device {resources.device}"
        " > {log:q} 2>&1"
