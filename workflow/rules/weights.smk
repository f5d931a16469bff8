# The final weights of every seed: what is published of a run, and what the notebook reads.


def run_of(wildcards):
    """The run that a seed was trained in."""
    blocks = study.blocks(config[wildcards.task], wildcards.model)
    (block,) = (name for name, seeds in blocks.items() if int(wildcards.seed) in seeds)
    return multiext(
        f"{run_folder(wildcards.task, wildcards.model, block)}/",
        "run.json",
        "checkpoints.safetensors",
    )


def final_weights(task, variants=True):
    """The final weights of every replica of a task."""
    section = config[task]
    return [
        f"{RESULTS}/weights/{task}/{model}/seed{seed}.safetensors"
        for model in study.models(section)
        if variants or not study.is_variant(section, model)
        for seeds in study.blocks(section, model).values()
        for seed in seeds
    ]


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
