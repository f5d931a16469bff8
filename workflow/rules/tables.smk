# Tables: what was measured on the runs, put together by one job for each track and one for both.
def table(name):
    return f"{RESULTS}/{contents.place(name)}"


def analyses(task, names=None, variants=True):
    """What is measured of every run of a task, or these files of it."""
    return [
        analysed(task, run.model, run.block, name)
        for run in RUNS
        if run.task == task and (variants or not run.is_variant)
        for name in contents.measures(task).tables_of(run.settings, run.is_variant)
        if names is None or name in names
    ]


def tables_of(track):
    """The tables of a track, without those of analyses that no network of the study is fit for."""
    if track in study.TASKS and track not in TASKS:
        return []
    if SWEEP:
        return ["grokking"] if track == "modular_addition" else []
    gathered = [
        name
        for name, (analysis, variants) in contents.gathered(track).items()
        if analyses(track, [analysis], variants)
    ]
    computed = [
        name
        for own in contents.computed(track).values()
        for name, analysis in own.items()
        if analysis is None or analyses(track, [analysis])
    ]
    if not config.get(track, {}).get("training_theory", True):
        computed = [name for name in computed if name not in contents.SLOW]
    return computed + gathered


def tabulated(track):
    """The analyses that the tables of a track are made from."""
    if SWEEP:
        return analyses("modular_addition", ["evaluation"])
    if track in TASKS:
        return analyses(track)
    return [
        path for task in TASKS for path in analyses(task, COMPARED[track][task], variants=False)
    ]


def table_settings(track):
    """What the tables of a track depend on beside the runs."""
    if track == "modular_addition":
        return {"variants": study.variants(config[track]), "followed": not SWEEP}
    if track == "comparison" and "linear_regression" in TASKS:
        return {"tabulated_at": config["linear_regression"]["tabulated_at"]}
    return {}


COMPARED = {  # what the tables of both tracks read of every run's analysis
    "comparison": {
        "linear_regression": ("risk", "filters"),
        "modular_addition": ("evaluation", "circuit", "parsimony", "sum_in_stream", "sum_exchange"),
    },
    "emergence": {"linear_regression": (), "modular_addition": ("progress",)},
}
TRACKS = {
    "linear_regression": "Track A",
    "modular_addition": "Track B",
    "comparison": "Comparison",
    "emergence": "Comparison",
}
TABLES = {track: tables_of(track) for track in TRACKS}
TABLE_JOBS = [  # what is too long to read is made for a figure, and is no result of its own
    (track, "_".join(filter(None, [ROOMS.get(track, track), part])), names)
    for track in TRACKS
    for part in ("", "long", "theory")
    if (names := [n for n in TABLES[track] if contents.job_of(n) == part])
]

for track, job, names in TABLE_JOBS:
    # one track's tables have variants, too; in those of both the main models are compared
    tasks, variants = ([track], True) if track in TASKS else (TASKS, False)
    is_slow = names[0] in contents.SLOW  # from trainings of main models alone: seldom made anew
    listed = [f"mechanics/{ROOMS[track]}/measures"] if track in TASKS else []
    made = {module: own for module, own in contents.computed(track).items() if {*own} & {*names}}
    modules = [f"mechanics/tables/{name}" for name in made]

    rule:
        name:
            f"write_tables_{job}"
        input:
            code=program("write_tables", *listed, *modules),
            runs=[
                *runs("run.json", *tasks, variants=variants and not is_slow, imported=True),
                *runs("history.parquet", *tasks, variants=variants and not is_slow),
            ],
            analyses=[] if is_slow else tabulated(track),
        output:
            [
                report(
                    table(name),
                    caption="../report/table_caption.rst",
                    category=TRACKS[track],
                    subcategory="Tables",
                    labels={"table": f"{name}. {columns.row(name)}"},
                )
                for name in names
                if table(name).endswith(".csv")
            ],
            [
                ensure(table(name), non_empty=True)
                for name in names
                if not table(name).endswith(".csv")
            ],
        log:
            f"{RESULTS}/logs/write_tables/{job}.log",
        benchmark:
            f"{RESULTS}/benchmarks/write_tables/{job}.tsv"
        conda:
            "../../envs/study.yaml"
        resources:
            mem_mb=3000,
            runtime=10,
        params:
            track=track,
            folders=lambda wildcards, input: folders(
                path for path in input.runs if path.endswith(".json")
            ),
            tables=names,
            settings=as_argument(table_settings(track)),
        shell:
            f"python {SCRIPTS}/write_tables.py"
            f" --track {{params.track}} --study {STUDY} --runs {{params.folders:q}}"
            " --tables {params.tables} --settings {params.settings:q} > {log:q} 2>&1"
