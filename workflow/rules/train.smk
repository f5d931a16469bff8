# Training: a rule for every stack of seeds, as the files of final weights are named after the seeds.
# A killed job resumes from {RESULTS}/.state.
TRAININGS = [
    (task, model, block, seeds)
    for task in TASKS
    for model in study.models(config[task])
    if not study.is_imported(config[task], model)
    for block, seeds in study.blocks(config[task], model).items()
]
TRAINED_BY = {task: program("train", f"mechanics/{ROOMS[task]}/task") for task in TASKS}

for task, model, block, seeds in TRAININGS:

    rule:
        name:
            f"train_{task}_{model}_{block}"
        input:
            code=TRAINED_BY[task],
            data=(
                DATA[task][0]
                if task == "linear_regression"
                else splits_of(model, seeds)
            ),
        output:
            run=ensure(
                multiext(
                    f"{run_folder(task, model, block)}/",
                    "checkpoints.safetensors",
                    "history.parquet",
                    "run.json",
                ),
                non_empty=True,
            ),
            weights=ensure(
                [weights_of(task, model, seed) for seed in seeds], non_empty=True
            ),
        log:
            f"{RESULTS}/logs/train_{task}_{model}_{block}.log",
        benchmark:
            f"{RESULTS}/benchmarks/train_{task}_{model}_{block}.tsv"
        priority: 2
        conda:
            "../../envs/study.yaml"
        threads: config["threads_per_training"]
        resources:
            # one killed for its memory gets more when it is run again
            mem_mb=lambda wildcards, attempt: 3000 * attempt,
            runtime=120,
            device=config["device"],
            gpu=1 if config["device"] == "cuda" else None,
            state=f"{RESULTS}/.state",
        params:
            folder=lambda wildcards, output: Path(output[0]).parent,
            settings=as_argument(study.training_settings(config, task, model)),
            seeds=seeds,
        shell:
            f"python {SCRIPTS}/train.py"
            " --settings {params.settings:q} --seeds {params.seeds}"
            " --data {input.data:q} --output {params.folder:q} --weights {output.weights:q}"
            " --state {resources.state:q} --device {resources.device} --threads {threads}"
            " > {log:q} 2>&1"


# Weights that others have trained: imported first, so that what is wrong with a file is known at once.
IMPORTS = {
    (task, model): os.path.normpath(config[task]["models"][model]["weights"])
    for task in TASKS
    for model in study.models(config[task])
    if study.is_imported(config[task], model)
}

for (task, model), file in IMPORTS.items():

    rule:
        name:
            f"import_weights_{task}_{model}"
        input:
            code=program("examine", "mechanics/examine/imported"),
            weights=file,
        output:
            run=ensure(f"{run_folder(task, model, '0')}/run.json", non_empty=True),
            weights=ensure(weights_of(task, model, 0), non_empty=True),
        log:
            f"{RESULTS}/logs/import_weights_{task}_{model}.log",
        benchmark:
            f"{RESULTS}/benchmarks/import_weights_{task}_{model}.tsv"
        priority: 3
        conda:
            "../../envs/study.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            folder=lambda wildcards, output: Path(output[0]).parent,
            settings=as_argument(study.training_settings(config, task, model)),
        shell:
            f"python {SCRIPTS}/examine.py --settings {{params.settings:q}}"
            " --model {output.weights:q} --output {params.folder:q} > {log:q} 2>&1"
