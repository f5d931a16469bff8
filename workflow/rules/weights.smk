# The final weights of every seed: what is published of a run, and what the notebook reads.


rule extract_weights:
    input:
        code=program("extract_weights"),
        run=run_of,
    output:
        ensure(
            f"{RESULTS}/weights/{{task}}/{{model}}/seed{{seed}}.safetensors",
            non_empty=True,
        ),
    log:
        f"{RESULTS}/logs/extract_weights_{{task}}_{{model}}_seed{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/extract_weights_{{task}}_{{model}}_seed{{seed}}.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        run=lambda wildcards, input: Path(input.run[0]).parent,
    shell:
        "python scripts/extract_weights.py --run {params.run:q} --seed {wildcards.seed}"
        " --output {output:q} > {log:q} 2>&1"
