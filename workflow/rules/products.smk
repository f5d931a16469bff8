# What a reader gets, and what each of it is made from. The rules that make it are in their own files.
REPORT_FIGURES = {
    "linear_regression": ["report_regression"],
    "modular_addition": ["report_addition", "report_cause"],
}
FIGURES = REGRESSION_FIGURES | ADDITION_FIGURES | SWEEP_FIGURES


def final_weights(task, variants=True):
    """The final weights of every replica of a task."""
    section = config[task]
    return [
        weights_of(task, model, seed)
        for model in study.models(section)
        if variants or not study.is_variant(section, model)
        for seeds in study.blocks(section, model).values()
        for seed in seeds
    ]


def drawn_from(wildcards):
    """The tables of a figure, in the order of its arguments."""
    where = table if wildcards.figure in REGRESSION_FIGURES else addition_table
    return [where(name) for name in FIGURES[wildcards.figure][1]]


def numbered_tables():
    """The tables that numbers are read from, of those that this study has."""
    made = {
        Path(path).stem: path
        for path in regression_results() + addition_results()
        if Path(path).parent.name == "tables"  # figures have the same names
    }
    return [
        made[name] for task in TASKS for name in stated.TABLES[task] if name in made
    ]


def notebook_code():
    """The parts of the notebook's source, and what they import."""
    return list(
        map(from_here, closure(*(ROOT / "workflow/notebooks/study").glob("*.py")))
    )


def notebook_shows():
    """The tables (as CSV) and figures (as PNG) of the study, and the captions of these.

    Not the figures of the report: they are strips of panels of the others.
    """
    made = [
        *tables("comparative_metrics"),
        *figures(*(CURVES[task] for task in TASKS)),
        *regression_results(),
        *addition_results(),
    ]
    read = [path for path in made if Path(path).parent.name == "tables"]
    drawn = [
        path
        for path in made
        if path.endswith(".png") and not Path(path).name.startswith("report_")
    ]
    return [
        *(path for path in read if Path(path).suffix == ".csv"),
        *drawn,
        *(from_here(ROOT / f"workflow/report/{Path(path).stem}.rst") for path in drawn),
    ]


def notebook_results():
    return multiext(f"{RESULTS}/notebook/study", ".ipynb", ".html")


def page_contents():
    """Per task of the study: its figures with the paths of their data, and those it lacks."""
    contents = {}
    for task, drawn_from, results, place in (
        ("linear_regression", REGRESSION_FIGURES, regression_results, table),
        ("modular_addition", ADDITION_FIGURES, addition_results, addition_table),
    ):
        if task not in TASKS:
            continue
        made = set(results())
        data = {CURVES[task]: runs(task, "history.parquet", variants=False)}
        data |= {
            name: list(map(place, own))
            for name, (_, own) in drawn_from.items()
            if name not in REPORT_FIGURES[task]  # each panel has a figure of its own
        }
        drawn = [
            name for name in data if name == CURVES[task] or set(figures(name)) <= made
        ]
        contents[task] = {
            "drawn": {
                name: [str(Path(path).relative_to(RESULTS)) for path in data[name]]
                for name in drawn
            },
            "absent": [name for name in data if name not in drawn],
        }
    return contents


def page_figures():
    return [name for own in page_contents().values() for name in own["drawn"]]


def page_inputs(wildcards):
    """Tables and per-run files that the explorers show."""
    needed = tables("comparative_metrics")
    if "linear_regression" in TASKS:
        needed += [table("regression_risk")]
    if "modular_addition" in TASKS:
        needed += [addition_table("grokking")]
        for name in TRACED:
            needed += evaluations("modular_addition", f"{name}.parquet")
    return needed


def page_results():
    return [f"{RESULTS}/page/index.html"]


def described(job):
    """What the record needs to know of a job. Files are named from the study's folder, code from ours."""
    read = list(map(str, job.input))
    return {
        "rule": "train" if job.rule.name.startswith("train_") else job.rule.name,
        "code": [
            os.path.relpath(path, ROOT)
            for path in read
            if not path.startswith(f"{RESULTS}/")
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


def study_results():
    """All that a study is made of, or a sweep, which is a table and a figure of many runs."""
    if SWEEP:
        return sweep_results()
    return [
        *tables("comparative_metrics"),
        *figures(*(CURVES[task] for task in TASKS)),
        *regression_results(),
        *addition_results(),
        *notebook_results(),
        *rules.build_report.output,
        *(path for task in TASKS for path in final_weights(task)),
        *page_results(),
        PROVENANCE,
    ]
