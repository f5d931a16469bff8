# What several rules need: the study's runs, their files, and the code that a program is made of.

# A cluster gives GPUs to trainings alone; with `device: cuda` the rest takes one where it finds one.
ANALYSIS_DEVICE = "auto" if config["device"] == "cuda" else config["device"]
ROOMS = contents.ROOMS
PAGE_TABLES = ("grokking", "norm_dose", "sum_in_stream", "sum_exchange", "kernel_smoother")
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
    """The final weights of each replica, but of variants for the table ``norm_dose`` alone."""
    return [
        weights_of(run.task, run.model, seed)
        for run in RUNS
        if not run.is_variant or (variants and not contents.is_dose(run.settings))
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


def captions_of(figures):
    return [from_here(registry.caption_file(name)) for name in figures]


def page_contents():
    """Per task of the study: its figures with the paths of their data, and those it lacks."""
    return {
        task: {
            "drawn": {
                name: [os.path.relpath(path, RESULTS) for path in drawn_from(task, [name])]
                for name in names
            },
            "absent": [name for name in registry.FIGURES[task] if name not in names],
        }
        for task, names in DRAWN.items()
    }


def page_inputs():
    """What the page runs and draws: weights, tables, and of the runs it shows what followed them."""
    needed = [table("comparative_metrics"), table("comparative_metrics.md")]
    needed += [CSV[name] for name in PAGE_TABLES if name in CSV]
    needed += final_weights(variants=False)
    for run in page_runs("modular_addition"):
        needed += [f"{run_folder(run)}/{f}" for f in ("run.json", "history.parquet")]
        if run.settings["checkpoints_at"]:
            files = contents.measures(run.task).SHOWN
            needed += [analysed(run.task, run.model, run.block, name) for name in files]
        needed += data_of(run.task, run.model, run.seeds[:1])
    return needed


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


def described(job):
    """What the record needs to know of a job. Files of the study are named from its folder."""
    own, read = f"{RESULTS}/", list(map(str, job.input))
    return {
        "rule": "train" if job.rule.name.startswith("train_") else job.rule.name,
        # what is imported is no code: its hash is in run.json
        "code": [p for p in read if not p.startswith(own) and p not in IMPORTED],
        "inputs": [p.removeprefix(own) for p in read if p.startswith(own)],
        "outputs": [str(path).removeprefix(own) for path in job.output],
        "settings": job.params.get("settings"),
        "seeds": [int(job.wildcards.seed)] if "seed" in job.wildcards_dict else [],
        "device": job.resources.get("device"),
    }


def write_jobs():
    """Which job makes what from what, for the provenance.

    Snakemake has no list of it that outlives its own metadata, and a command line is too short.
    """
    own = [job for job in workflow.dag.jobs if str(*job.output[:1]).startswith(f"{RESULTS}/")]
    if any(PROVENANCE in job.output for job in own):
        jobs = sorted(map(described, own), key=lambda job: job["outputs"])
        with atomic(Path(JOBS)) as part:
            part.write_text(json.dumps(jobs, indent=1))


def prepare_slurm():
    """What would keep every job from coming back is said once, before one is sent; a cancelled one
    is noticed, which the executor knows by `squeue`, but not by `sacct` (``first_words``).
    """
    if workflow.executor_plugin.name != "slurm":
        return
    settings, jobs = workflow.executor_settings, workflow.dag.needrun_jobs()
    partitions = slurm.partitions_of(jobs, settings.partition_config)
    if problem := slurm.obstacle(settings.status_command, partitions):
        raise WorkflowError(problem)
    import snakemake_executor_plugin_slurm as executor

    executor.query_job_status = slurm.first_words(executor.query_job_status)


def cards():
    """What is written beside the weights of a study; nothing beside those of a sweep."""
    if SWEEP:
        return []
    models = sorted({*folders(final_weights())})
    return [f"{RESULTS}/weights/README.md", *(f"{own}/config.json" for own in models)]
