# The notebook of the study, executed: a copy to go on working in, and a page to read.
NOTEBOOK = "workflow/notebooks/study.py"


def notebook_code():
    """The source of the notebook, and what it imports."""
    root = Path(workflow.basedir).parent
    return [str(path.relative_to(root)) for path in closure(root / NOTEBOOK)]


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
        *(f"workflow/report/{Path(path).stem}.rst" for path in drawn),
    ]


def notebook_results():
    return multiext(f"{RESULTS}/notebook/study", ".ipynb", ".html")


rule execute_notebook:
    input:
        code=program("execute_notebook"),
        notebook=notebook_code(),
        runs=[path for task in TASKS for path in runs(task, "run.json", variants=False)],
        weights=[path for task in TASKS for path in final_weights(task, variants=False)],
        shown=notebook_shows(),
    output:
        ensure(notebook_results(), non_empty=True),
    log:
        f"{RESULTS}/logs/execute_notebook.log",
    benchmark:
        f"{RESULTS}/benchmarks/execute_notebook.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=15,
    params:
        study=RESULTS,
        folder=lambda wildcards, output: Path(output[0]).parent,
        failed=f"{RESULTS}/logs/study_failed.ipynb",
    shell:
        "python scripts/execute_notebook.py --study {params.study:q} --output {params.folder:q}"
        " --failed {params.failed:q} > {log:q} 2>&1"
