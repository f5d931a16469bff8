# What a reader gets: the stated numbers and the report, the notebook, the page.
SHOWN = [name for names in DRAWN.values() for name in names]
IN_REPORT = [name for name in SHOWN if name in registry.REPORT]
CSV = {  # the tables of this study that a reader can read, by name
    name: table(name) for names in TABLES.values() for name in names if table(name).endswith(".csv")
}


rule write_numbers:
    input:
        code=program("write_numbers"),
        compared=table("comparative_metrics"),
        tables=[CSV[name] for task in TASKS for name in stated.TABLES[task] if name in CSV],
        runs=runs("run.json"),
    output:
        ensure(f"{RESULTS}/report/claims.json", non_empty=True),
    log:
        f"{RESULTS}/logs/write_numbers.log",
    benchmark:
        f"{RESULTS}/benchmarks/write_numbers.tsv"
    conda:
        "../../envs/study.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        settings=as_argument(stated.stated_settings(config)),
    shell:
        f"python {SCRIPTS}/write_numbers.py --settings {{params.settings:q}}"
        " --tables {input.compared:q} {input.tables:q} --runs {input.runs:q}"
        " --output {output:q} > {log:q} 2>&1"


rule build_report:
    input:
        code=program("build_report"),
        source=[
            from_here(ROOT / f"workflow/report/{name}")
            for name in ("report.typ", "layout.typ", "prose.typ", "references.bib")
        ],
        captions=captions_of(IN_REPORT),
        claims=rules.write_numbers.output,
        figures=[f"{RESULTS}/figures/{name}.pdf" for name in IN_REPORT],
    output:
        report(f"{RESULTS}/report/report.pdf", caption="../report/report.rst", category="Report"),
    log:
        f"{RESULTS}/logs/build_report.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_report.tsv"
    conda:
        "../../envs/study.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    shell:
        f"python {SCRIPTS}/build_report.py --claims {{input.claims:q}}"
        " --figures {input.figures:q} --output {output:q} > {log:q} 2>&1"


rule execute_notebook:
    input:
        code=program("execute_notebook"),
        notebook=[  # the parts of its source, and what they import
            from_here(path) for path in closure(*(ROOT / "workflow/notebooks/study").glob("*.py"))
        ],
        weights=final_weights(),
        histories=runs("history.parquet"),
    output:
        ensure(
            multiext(f"{RESULTS}/notebook/", "study.ipynb", "study.html", "exercises.ipynb"),
            non_empty=True,
        ),
    log:
        f"{RESULTS}/logs/execute_notebook.log",
    benchmark:
        f"{RESULTS}/benchmarks/execute_notebook.tsv"
    # The longest job after the trainings, which are all that it waits for.
    priority: 1
    conda:
        "../../envs/study.yaml"
    resources:
        mem_mb=4000,
        runtime=15,
    shell:
        f"python {SCRIPTS}/execute_notebook.py --study {STUDY} --output {STUDY}/notebook"
        " > {log:q} 2>&1"


rule build_page:
    input:
        code=program("build_page"),
        templates=[from_here(path) for path in sorted((ROOT / "workflow/page").iterdir())],
        caption=from_here(ROOT / "workflow/report/comparative_metrics_table.rst"),
        captions=captions_of(SHOWN),
        pictures=figures(SHOWN),
        shown=page_inputs(),
    output:
        ensure(multiext(f"{RESULTS}/page/", "index.html", "evidence.html"), non_empty=True),
    log:
        f"{RESULTS}/logs/build_page.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_page.tsv"
    conda:
        "../../envs/study.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        runs=[run_folder(run) for task in TASKS for run in page_runs(task)],
        contents=as_argument(page_contents()),
    shell:
        f"python {SCRIPTS}/build_page.py --study {STUDY} --output {STUDY}/page"
        " --runs {params.runs:q} --contents {params.contents:q} > {log:q} 2>&1"
