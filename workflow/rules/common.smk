# What several rules need: the study's runs, their files, and the code that a program is made of.

# A cluster gives GPUs to trainings alone; with `device: cuda` the rest takes one where it finds one.
ANALYSIS_DEVICE = "auto" if config["device"] == "cuda" else config["device"]
ROOMS = contents.ROOMS
RUNS = [run for task in TASKS for run in study.runs(config, task)]


def program(*names):
    """A program and every module it imports: editing any of them reruns the rule, no other does.

    Further names are those of modules that the program is told to import.
    """
    sources = [ROOT / f"scripts/{name}.py" for name in names]
    return list(map(from_here, closure(*sources)))


def run_folder(run):
    return f"{RESULTS}/runs/{run.task}/{run.model}/{run.block}"


def seeds_of(task, wildcards):
    """The seeds of a run. WorkflowError for a target that is no run of the config."""
    try:
        return study.seeds_of_run(RUNS, task, wildcards.model, wildcards.block)
    except ConfigError as error:
        raise WorkflowError(f"There is no such run.\n{error}") from None


def runs(file, *tasks, variants=True, imported=False):
    """One file of every run of these tasks, or of all; with or without those of models that vary
    another one, and of weights that were imported.
    """
    return [
        f"{run_folder(run)}/{file}"
        for run in RUNS
        if run.task in (tasks or TASKS)
        if (variants or not run.is_variant) and (imported or not run.is_imported)
    ]


def analysed(task, model, block, name):
    """A file of a run's analysis: a table of this name, or a file that has its ending."""
    ending = "" if "." in name else ".parquet"
    return f"{RESULTS}/analysis/{task}/{model}/{block}/{name}{ending}"


def folders(paths):
    return [str(Path(path).parent) for path in paths]


def figures(names):
    return expand(f"{RESULTS}/figures/{{name}}.{{kind}}", name=names, kind=["pdf", "png"])


def weights_of(task, model, seed):
    return f"{RESULTS}/weights/{task}/{model}/seed{seed}.safetensors"


def final_weights(variants=True):
    """The final weights of each replica, but of variants whose training nothing follows."""
    return [
        weights_of(run.task, run.model, seed)
        for run in RUNS
        if not run.is_variant or (variants and run.settings["checkpoints_at"])
        for seed in run.seeds
    ]


def page_runs(task):
    """The addition networks whose training the page shows: of each the run of its first seed."""
    if SWEEP or task != "modular_addition":
        return []
    own = [run for run in RUNS if run.task == task and not run.is_imported]
    models = {run.model: run.settings for run in own}
    variants = {run.model for run in own if run.is_variant}
    shown = contents.measures(task).shown(models, variants)
    return [next(run for run in own if run.model == name) for name in shown]


def study_results():
    """All that a study is made of; of a sweep, its table and its figure."""
    made = [
        *(table(n) for own in TABLES.values() for n in own if n not in contents.TOO_LONG),
        *figures(SHOWN),
    ]
    if SWEEP:
        return made
    return [
        *made,
        *rules.execute_notebook.output,
        *rules.build_report.output,
        *final_weights(),
        *rules.build_page.output,
        PROVENANCE,
    ]
