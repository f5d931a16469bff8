# Tables: what was measured on the runs, put together by one job for each track and one for both.
def table(name):
    return f"{RESULTS}/{contents.place(name)}"


def analyses(task, names=None, variants=True):
    """What is measured of every run of a task, or these files of it."""
    section = config[task]
    return [
        analysed(task, model, block, name)
        for model in study.models(section)
        if variants or not study.is_variant(section, model)
        for name in contents.measures(task).tables_of(*described_model(task, model))
        if names is None or name in names
        for block in study.blocks(section, model)
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
    computed = [name for own in contents.computed(track).values() for name in own]
    if not config.get(track, {}).get("training_theory", True):
        computed = [name for name in computed if name not in contents.SLOW]
    return computed + gathered


def table_modules(track):
    """What write_tables.py imports by name."""
    listed = [f"mechanics/{ROOMS[track]}/measures"] if track in ROOMS else []
    return listed + [f"mechanics/tables/{name}" for name in contents.computed(track)]


def tabulated(track):
    """The analyses that the tables of a track are made from."""
    if SWEEP:
        return analyses("modular_addition", ["evaluation"])
    if track in TASKS:
        return analyses(track)
    return [
        path
        for task in TASKS
        for path in analyses(task, COMPARED[track][task], variants=False)
    ]


def table_settings(track):
    """What the tables of a track depend on beside the runs."""
    if track == "modular_addition":
        return {"variants": study.variants(config[track]), "followed": not SWEEP}
    return study.table_settings(config) if track == "comparison" else {}


COMPARED = {  # what the tables of both tracks read of every run's analysis
    "comparison": {
        "linear_regression": ("risk", "filters"),
        "modular_addition": (
            *("evaluation", "circuit", "parsimony"),
            *("sum_in_stream", "sum_exchange"),
        ),
    },
    "emergence": {"linear_regression": (), "modular_addition": ("progress",)},
}
TRACKS = {
    "linear_regression": "Track A",
    "modular_addition": "Track B",
    "comparison": "Comparison",
    "emergence": "Comparison",
}
TABLE_JOBS = [  # what is too long to read is made for a figure, and is no result of its own
    (track, "_".join(filter(None, [ROOMS.get(track, track), part])), names)
    for track in TRACKS
    for part in ("", "long", "theory")
    if (names := [n for n in tables_of(track) if contents.job_of(n) == part])
]

for track, job, names in TABLE_JOBS:
    of_runs = [
        (task, track in study.TASKS)
        for task in TASKS
        if track not in study.TASKS or task == track
    ]

    rule:
        name:
            f"write_tables_{job}"
        input:
            code=program("write_tables", *table_modules(track)),
            runs=[
                path
                for task, variants in of_runs
                for file in ("run.json", "history.parquet")
                for path in runs(task, file, variants, imported=file == "run.json")
            ],
            analyses=tabulated(track),
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
        threads: 1
        resources:
            mem_mb=3000,
            runtime=10,
        params:
            study=lambda wildcards, output: Path(output[0]).parents[1],
            track=track,
            folders=[
                folder
                for task, variants in of_runs
                for folder in folders(runs(task, "run.json", variants, imported=True))
            ],
            tables=names,
            settings=as_argument(table_settings(track)),
        shell:
            f"python {SCRIPTS}/write_tables.py"
            " --track {params.track} --study {params.study:q} --runs {params.folders:q}"
            " --tables {params.tables} --settings {params.settings:q} > {log:q} 2>&1"
