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


def runs(task, file, variants=True, doses=True, imported=False):
    """One file of every run of a task, with or without those of models that vary another one, of
    those that only the table ``norm_dose`` is about, and of weights that were imported.
    """
    section = config[task]
    return [
        f"{run_folder(task, model, block)}/{file}"
        for model in study.models(section)
        if variants or not study.is_variant(section, model)
        if doses
        or not study.is_variant(section, model)
        or not contents.is_dose(study.model_entry(section, model))
        if imported or not study.is_imported(section, model)
        for block in study.blocks(section, model)
    ]


def analysed(task, model, block, name):
    """A file of a run's analysis: a table of this name, or a file that has its ending."""
    ending = "" if "." in name else ".parquet"
    return f"{RESULTS}/analysis/{task}/{model}/{block}/{name}{ending}"


def folders(paths):
    return [str(Path(path).parent) for path in paths]


def figures(*names):
    return expand(
        f"{RESULTS}/figures/{{name}}.{{kind}}", name=names, kind=["pdf", "png"]
    )


def weights_of(task, model, seed):
    return f"{RESULTS}/weights/{task}/{model}/seed{seed}.safetensors"


def drawn_from(task, figures):
    """The files that some figures of a track are drawn from, each once."""
    histories = runs(task, "history.parquet", variants=False)
    names = dict.fromkeys(name for own in figures for name in registry.drawn_from(own))
    return [
        path
        for name in names
        for path in (histories if name == registry.HISTORY else [table(name)])
    ]


def drawn(task):
    """The figures of a track, without those of tables that this study does not have."""
    made = {name for track in TRACKS for name in tables_of(track)} | {registry.HISTORY}
    return [
        name for name, read in registry.FIGURES[task].items() if made.issuperset(read)
    ]


def final_weights(task, variants=True):
    """The final weights of each replica, but of variants whose training nothing follows."""
    section = config[task]

    def kept(model):
        followed = study.model_entry(section, model)["checkpoints_at"]
        return not study.is_variant(section, model) or (variants and followed)

    return [
        weights_of(task, model, seed)
        for model in filter(kept, study.models(section))
        for seeds in study.blocks(section, model).values()
        for seed in seeds
    ]


def made_tables():
    """The tables of this study that a reader can read, by name."""
    names = [name for track in TRACKS for name in tables_of(track)]
    return {name: table(name) for name in names if table(name).endswith(".csv")}


def numbered_tables():
    """The tables that numbers are read from, of those that this study has."""
    made = made_tables()
    return [
        made[name] for task in TASKS for name in stated.TABLES[task] if name in made
    ]


def notebook_code():
    """The parts of the notebook's source, and what they import."""
    parts = (ROOT / "workflow/notebooks/study").glob("*.py")
    return list(map(from_here, closure(*parts)))


def page_contents():
    """Per task of the study: its figures with the paths of their data, and those it lacks."""
    found = {}
    for task in TASKS:
        shown = drawn(task)
        made_of = {
            name: [
                str(Path(path).relative_to(RESULTS))
                for path in drawn_from(task, [name])
            ]
            for name in shown
        }
        absent = [name for name in registry.FIGURES[task] if name not in shown]
        found[task] = {"drawn": made_of, "absent": absent}
    return found


def page_figures():
    return [name for own in page_contents().values() for name in own["drawn"]]


def page_models():
    """The addition networks whose training the page shows."""
    if SWEEP or "modular_addition" not in TASKS:
        return []
    section = config["modular_addition"]
    models = {
        name: study.model_entry(section, name)
        for name in study.models(section)
        if not study.is_imported(section, name)
    }
    variants = {name for name in models if study.is_variant(section, name)}
    return contents.measures("modular_addition").shown(models, variants)


def page_runs():
    """Of each of them the run of its first seed."""
    section = config.get("modular_addition")
    return [
        ("modular_addition", model, next(iter(study.blocks(section, model))))
        for model in page_models()
    ]


PAGE_TABLES = (
    "grokking",
    "norm_dose",
    "sum_in_stream",
    "sum_exchange",
    "kernel_smoother",
)


def page_inputs(wildcards):
    """What the page runs and draws: weights, tables, and of the runs it shows what followed them."""
    made = made_tables()
    needed = [table("comparative_metrics"), table("comparative_metrics.md")]
    needed += [made[name] for name in PAGE_TABLES if name in made]
    needed += [path for task in TASKS for path in final_weights(task, variants=False)]
    measures = contents.measures("modular_addition")
    for task, model, block in page_runs():
        needed += [
            f"{run_folder(task, model, block)}/{f}"
            for f in ("run.json", "history.parquet")
        ]
        if study.model_entry(config[task], model)["checkpoints_at"]:
            needed += [analysed(task, model, block, name) for name in measures.SHOWN]
        needed += splits_of(model, study.blocks(config[task], model)[block][:1])
    return needed


def described(job):
    """What the record needs to know of a job. Files of the study are named from its folder."""
    read = list(map(str, job.input))
    return {
        "rule": "train" if job.rule.name.startswith("train_") else job.rule.name,
        "code": [  # what is imported is no code: its hash is in run.json
            path
            for path in read
            if not path.startswith(f"{RESULTS}/") and path not in IMPORTS.values()
        ],
        "inputs": [
            path.removeprefix(f"{RESULTS}/")
            for path in read
            if path.startswith(f"{RESULTS}/")
        ],
        "outputs": [str(path).removeprefix(f"{RESULTS}/") for path in job.output],
        "settings": job.params.get("settings"),
        "seeds": [int(job.wildcards.seed)] if "seed" in job.wildcards_dict else [],
        "device": job.resources.get("device"),
    }


def check_scheduler():
    """What would keep every Slurm job from coming back is said once, before one is sent."""
    if workflow.executor_plugin.name != "slurm":
        return
    settings = workflow.executor_settings
    partitions = slurm.partitions_of(
        workflow.dag.needrun_jobs(), settings.partition_config
    )
    problem = slurm.obstacle(settings.status_command, partitions)
    if problem:
        raise WorkflowError(problem)


def write_jobs():
    """Which job makes what from what, for the provenance.

    Snakemake has no list of it that outlives its own metadata, and a command line is too short.
    """
    own = [
        job
        for job in workflow.dag.jobs
        if str(*job.output[:1]).startswith(f"{RESULTS}/")
    ]
    jobs = list(map(described, own))
    if any(PROVENANCE in job.output for job in own):
        with atomic(Path(JOBS)) as part:
            part.write_text(
                json.dumps(sorted(jobs, key=lambda job: job["outputs"]), indent=1)
            )


def notice_cancelled_jobs():
    """The executor knows such a job by `squeue`, but not by `sacct`: see slurm.first_words."""
    if workflow.executor_plugin.name == "slurm":
        import snakemake_executor_plugin_slurm as executor

        executor.query_job_status = slurm.first_words(executor.query_job_status)


def study_results():
    """All that a study is made of; of a sweep, its table and its figure."""
    if SWEEP:
        return [table("grokking"), *figures(*registry.OF_A_SWEEP)]
    return [
        *(table(n) for t in TRACKS for n in tables_of(t) if n not in contents.TOO_LONG),
        *figures(*(name for task in TASKS for name in drawn(task))),
        *rules.execute_notebook.output,
        *rules.build_report.output,
        *(path for task in TASKS for path in final_weights(task)),
        *rules.build_page.output,
        PROVENANCE,
    ]


def cards_of(paths):
    """What is written beside the weights among these files; nothing, if there are none."""
    folders = {Path(path).parent for path in paths if path.endswith(".safetensors")}
    configs = [f"{folder}/config.json" for folder in sorted(folders)]
    return [f"{RESULTS}/weights/README.md", *configs] if configs else []
