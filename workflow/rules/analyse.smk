# Analysis: final weights of each run on everything held out.


rule evaluate_regression:
    input:
        code=program("evaluate_regression"),
        run=multiext(
            f"{RESULTS}/runs/linear_regression/{{model}}/{{block}}/",
            "run.json",
            "checkpoints.safetensors",
        ),
        data=rules.sample_prompts.output,
    output:
        risk=ensure(
            f"{RESULTS}/analysis/linear_regression/{{model}}/{{block}}/risk.parquet",
            non_empty=True,
        ),
        distances=ensure(
            f"{RESULTS}/analysis/linear_regression/{{model}}/{{block}}/distances.parquet",
            non_empty=True,
        ),
    log:
        f"{RESULTS}/logs/evaluate_regression_{{model}}_{{block}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate_regression_{{model}}_{{block}}.tsv"
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
        f"python {SCRIPTS}/evaluate_regression.py"
        " --run {params.run:q} --data {input.data:q}"
        " --risk {output.risk:q} --distances {output.distances:q} --device {resources.device}"
        " > {log:q} 2>&1"
