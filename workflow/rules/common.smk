# What several rules need: the code a program is made of, and the settings slices it gets.

# A cluster gives GPUs to trainings alone; with `device: cuda` the rest takes one where it finds one.
ANALYSIS_DEVICE = "auto" if config["device"] == "cuda" else config["device"]
ROOMS = contents.ROOMS


def program(*names):
    """A program and every module it imports: editing any of them reruns the rule, no other does.

    Further names are those of modules that the program is told to import.
    """
    sources = [ROOT / f"scripts/{name}.py" for name in names]
    return list(map(from_here, closure(*sources)))


def run_folder(task, model, block):
    return f"{RESULTS}/runs/{task}/{model}/{block}"


def seeds_of(task, wildcards):
    """The seeds of a run. WorkflowError for a target that is no run of the config."""
    try:
        return study.seeds_of_run(config, task, wildcards.model, wildcards.block)
    except ConfigError as error:
        raise WorkflowError(f"There is no such run.\n{error}") from None


def described_model(task, model):
    """A model's settings, and whether it varies another one: what decides what is measured."""
    section = config[task]
    return study.model_entry(section, model), study.is_variant(section, model)


def runs(task, file, variants=True, doses=True):
    """One file of every run of a task, with or without those of models that vary another one, and
    of those that only the table ``norm_dose`` is about."""
    section = config[task]
    return [
        f"{run_folder(task, model, block)}/{file}"
        for model in study.models(section)
        if variants or not study.is_variant(section, model)
        if doses or not contents.is_dose(study.model_entry(section, model))
        for block in study.blocks(section, model)
    ]


def folders(paths):
    return [str(Path(path).parent) for path in paths]


def figures(*names):
    return expand(
        f"{RESULTS}/figures/{{name}}.{{kind}}", name=names, kind=["pdf", "png"]
    )


def weights_of(task, model, seed):
    return f"{RESULTS}/weights/{task}/{model}/seed{seed}.safetensors"
