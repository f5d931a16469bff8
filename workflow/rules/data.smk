# Data: the held-out prompts of regression, and the split of the pairs for every seed of addition.
DATA = {
    "linear_regression": f"{RESULTS}/data/linear_regression/evaluation.safetensors",
    "modular_addition": f"{RESULTS}/data/modular_addition/split_seed{{seed}}{{mark}}.parquet",
}


def data_settings(task):
    """What the data of a task depend on: one slice of the config, or one for each kind of split."""
    if task == "modular_addition":
        return lambda wildcards: as_argument(study.split_settings(config, wildcards.mark))
    section = config[task]
    return as_argument({"d": section["d"], **section["evaluation"]})


def data_of(task, model, seeds):
    """What these seeds of a network are trained on: of addition the split of the pairs for each, of
    an imported one none, since it is not known.
    """
    if task == "linear_regression":
        return [DATA[task]]
    if study.is_imported(config[task], model):
        return []
    return expand(DATA[task], seed=seeds, mark=study.split_mark(config[task], model))


for task in TASKS:
    made = DATA[task]
    named = made.removeprefix(f"{RESULTS}/data/").rsplit(".", 1)[0]

    rule:
        name:
            f"prepare_{ROOMS[task]}"
        input:
            code=program("prepare_data", f"mechanics/{ROOMS[task]}/data"),
        output:
            ensure(made, non_empty=True),
        log:
            f"{RESULTS}/logs/prepare/{named}.log",
        benchmark:
            f"{RESULTS}/benchmarks/prepare/{named}.tsv"
        priority: 2  # as the trainings that wait for it
        conda:
            "../../envs/study.yaml"
        resources:
            mem_mb=1000,
            runtime=5,
        params:
            task=task,
            settings=data_settings(task),
            seed=lambda wildcards: (
                f"--seed {wildcards.seed}" if "seed" in wildcards.keys() else ""
            ),
        shell:
            f"python {SCRIPTS}/prepare_data.py"
            " --task {params.task} --settings {params.settings:q}"
            " {params.seed} --output {output:q} > {log:q} 2>&1"
