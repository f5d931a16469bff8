# What several rules need: the code a program is made of, and the settings slices it gets.

# A cluster gives GPUs to trainings alone; with `device: cuda` the rest takes one where it finds one.
ANALYSIS_DEVICE = "auto" if config["device"] == "cuda" else config["device"]
COMPARED = {  # what the comparative table reads of every run's analysis
    "linear_regression": ("risk.parquet", "distances.parquet"),
    "modular_addition": ("evaluation.parquet", "circuit.parquet", "parsimony.parquet"),
}
TASK_MODULES = {  # what train.py imports by name
    "linear_regression": "mechanics/regression/task",
    "modular_addition": "mechanics/addition/task",
}


def program(*names):
    """A program and every module it imports: editing any of them reruns the rule, no other does.

    Further names are those of modules that the program is told to import.
    """
    return list(
        map(from_here, closure(*(ROOT / f"scripts/{name}.py" for name in names)))
    )


def run_folder(task, model, block):
    return f"{RESULTS}/runs/{task}/{model}/{block}"


def asked_for(find, wildcards, key):
    """WorkflowError for a target that is no run of the config."""
    try:
        task = wildcards.get("task", "modular_addition")
        return find(config, task, wildcards.model, key)
    except ConfigError as error:
        raise WorkflowError(f"There is no such run.\n{error}") from None


def seeds_of(wildcards):
    return asked_for(study.seeds_of_run, wildcards, wildcards.block)


def runs(task, file, variants=True):
    """One file of every run of a task, with or without those of models that vary another one."""
    section = config[task]
    return [
        f"{run_folder(task, model, block)}/{file}"
        for model in study.models(section)
        if variants or not study.is_variant(section, model)
        for block in study.blocks(section, model)
    ]


def analysed(paths, name):
    """What an analysis rule makes, one file of this name, of the runs with these run.json."""
    root = Path(RESULTS, "runs")
    return [
        str(Path(RESULTS, "analysis", Path(path).parent.relative_to(root), name))
        for path in paths
    ]


def evaluations(task, name, variants=True):
    """One file of what the evaluation rules make of every run of a task."""
    return analysed(runs(task, "run.json", variants), name)


def folders(paths):
    return [str(Path(path).parent) for path in paths]


def tables(name):
    return expand(f"{RESULTS}/tables/{name}.{{kind}}", kind=["csv", "md"])


def figures(*names):
    return expand(
        f"{RESULTS}/figures/{{name}}.{{kind}}", name=names, kind=["pdf", "png"]
    )


def weights_of(task, model, seed):
    return f"{RESULTS}/weights/{task}/{model}/seed{seed}.safetensors"


def splits_of(model, seeds):
    """The split of the pairs for every one of these seeds of an addition network."""
    mark = study.split_mark(config["modular_addition"], model)
    return expand(rules.split_pairs.output[0], seed=seeds, mark=mark)


def splits(wildcards):
    """The split of the pairs for every seed of an addition run."""
    return splits_of(wildcards.model, seeds_of(wildcards))


def addition_models(variants):
    """A pattern for the names of the models that vary another one, or of those that do not."""
    if SWEEP:  # all are measured alike: no pattern of hundreds of names
        return "(?!)" if variants else "[^/]+"
    section = config.get("modular_addition") or {"models": {}}
    names = [
        n for n in study.models(section) if study.is_variant(section, n) == variants
    ]
    return "|".join(map(re.escape, names)) or "(?!)"


def analysed_weights(wildcards):
    seeds = seeds_of(wildcards)
    return [weights_of("modular_addition", wildcards.model, seed) for seed in seeds]


def addition_run(wildcards):
    folder = run_folder("modular_addition", wildcards.model, wildcards.block)
    return multiext(f"{folder}/", "run.json", "checkpoints.safetensors")
