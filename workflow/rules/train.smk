# Training: a rule for every stack of seeds, as the files of final weights are named after the seeds.
# A killed job resumes from {RESULTS}/.state.
TRAINED_BY = {task: program("train", f"mechanics/{ROOMS[task]}/task") for task in TASKS}

for run in [run for run in RUNS if not run.is_imported]:
    training = f"train_{run.task}_{run.model}_{run.block}"

    rule:
        name:
            training
        input:
            code=TRAINED_BY[run.task],
            data=data_of(run.task, run.model, run.seeds),
        output:
            run=ensure(
                multiext(
                    f"{run_folder(run)}/", "checkpoints.safetensors", "history.parquet", "run.json"
                ),
                non_empty=True,
            ),
            weights=ensure([weights_of(run.task, run.model, n) for n in run.seeds], non_empty=True),
        log:
            f"{RESULTS}/logs/{training}.log",
        benchmark:
            f"{RESULTS}/benchmarks/{training}.tsv"
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
            settings=as_argument(study.training_settings(config, run.task, run.model)),
            seeds=run.seeds,
        shell:
            f"python {SCRIPTS}/train.py"
            " --settings {params.settings:q} --seeds {params.seeds}"
            " --data {input.data:q} --output {params.folder:q} --weights {output.weights:q}"
            " --state {resources.state:q} --device {resources.device} --threads {threads}"
            " > {log:q} 2>&1"


# Weights that others have trained: imported first, so that what is wrong with a file is known at once.
IMPORTS = [run for run in RUNS if run.is_imported]
IMPORTED = [os.path.normpath(run.settings["weights"]) for run in IMPORTS]

for run, file in zip(IMPORTS, IMPORTED):
    job = f"import_weights_{run.task}_{run.model}"

    rule:
        name:
            job
        input:
            code=program("examine", "mechanics/examine/imported"),
            weights=file,
        output:
            run=ensure(f"{run_folder(run)}/run.json", non_empty=True),
            weights=ensure(weights_of(run.task, run.model, 0), non_empty=True),
        log:
            f"{RESULTS}/logs/{job}.log",
        benchmark:
            f"{RESULTS}/benchmarks/{job}.tsv"
        priority: 3
        conda:
            "../../envs/study.yaml"
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            folder=lambda wildcards, output: Path(output[0]).parent,
            settings=as_argument(study.training_settings(config, run.task, run.model)),
        shell:
            f"python {SCRIPTS}/examine.py --settings {{params.settings:q}}"
            " --model {output.weights:q} --output {params.folder:q} > {log:q} 2>&1"
