# Training: one job per stack of seeds. A killed job resumes from {RESULTS}/.state.


rule train:
    input:
        code=lambda wildcards: program("train", TASK_MODULES[wildcards.task]),
        data=training_data,
    output:
        ensure(
            multiext(
                f"{RESULTS}/runs/{{task}}/{{model}}/{{block}}/",
                "checkpoints.safetensors",
                "history.parquet",
                "run.json",
            ),
            non_empty=True,
        ),
    log:
        f"{RESULTS}/logs/train_{{task}}_{{model}}_{{block}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train_{{task}}_{{model}}_{{block}}.tsv"
    conda:
        "../../envs/study.yaml"
    threads: config["threads_per_training"]
    resources:
        mem_mb=3000,
        runtime=120,
        device=config["device"],
        gpu=1 if config["device"] == "cuda" else None,
        state=f"{RESULTS}/.state",
    params:
        folder=lambda wildcards, output: Path(output[0]).parent,
        settings=lambda wildcards: as_argument(
            study.training_settings(config, wildcards.task, wildcards.model)
        ),
        seeds=seeds_of,
    shell:
        "python scripts/train.py --settings {params.settings:q} --seeds {params.seeds}"
        " --data {input.data:q} --output {params.folder:q} --state {resources.state:q}"
        " --device {resources.device} --threads {threads} > {log:q} 2>&1"
