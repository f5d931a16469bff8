# What a reader gets: the stated numbers and the report, the notebook, the page.


rule write_numbers:
    input:
        code=program("write_numbers"),
        compared=table("comparative_metrics"),
        tables=numbered_tables(),
        runs=[path for task in TASKS for path in runs(task, "run.json")],
    output:
        ensure(f"{RESULTS}/report/claims.json", non_empty=True),
    log:
        f"{RESULTS}/logs/write_numbers.log",
    benchmark:
        f"{RESULTS}/benchmarks/write_numbers.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        settings=as_argument(stated.stated_settings(config)),
    shell:
        f"python {SCRIPTS}/write_numbers.py"
        " --settings {params.settings:q}"
        " --tables {input.compared:q} {input.tables:q} --runs {input.runs:q}"
        " --output {output:q} > {log:q} 2>&1"


rule build_report:
    input:
        code=program("build_report"),
        source=[
            from_here(ROOT / f"workflow/report/{name}")
            for name in ("report.typ", "layout.typ", "prose.typ", "references.bib")
        ],
        captions=[
            from_here(registry.caption_file(name))
            for task in TASKS
            for name in drawn(task)
            if name in registry.REPORT
        ],
        claims=rules.write_numbers.output,
        figures=[
            f"{RESULTS}/figures/{name}.pdf"
            for task in TASKS
            for name in drawn(task)
            if name in registry.REPORT
        ],
    output:
        report(
            f"{RESULTS}/report/report.pdf",
            caption="../report/report.rst",
            category="Report",
        ),
    log:
        f"{RESULTS}/logs/build_report.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_report.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        source=lambda wildcards, input: Path(input.source[0]).parent,
    shell:
        f"python {SCRIPTS}/build_report.py"
        " --source {params.source:q} --claims {input.claims:q}"
        " --figures {input.figures:q} --output {output:q} > {log:q} 2>&1"


rule execute_notebook:
    input:
        code=program("execute_notebook"),
        notebook=notebook_code(),
        weights=[path for task in TASKS for path in final_weights(task)],
        histories=[path for task in TASKS for path in runs(task, "history.parquet")],
    output:
        ensure(
            multiext(
                f"{RESULTS}/notebook/", "study.ipynb", "study.html", "exercises.ipynb"
            ),
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
    threads: 1
    resources:
        mem_mb=4000,
        runtime=15,
    params:
        study=lambda wildcards, output: Path(output[0]).parents[1],
        folder=lambda wildcards, output: Path(output[0]).parent,
    shell:
        f"python {SCRIPTS}/execute_notebook.py"
        " --study {params.study:q} --output {params.folder:q}"
        " > {log:q} 2>&1"


rule build_page:
    input:
        code=program("build_page"),
        templates=[
            from_here(path) for path in sorted((ROOT / "workflow/page").iterdir())
        ],
        captions=lambda wildcards: [
            from_here(ROOT / "workflow/report/comparative_metrics_table.rst"),
            *(from_here(registry.caption_file(name)) for name in page_figures()),
        ],
        pictures=lambda wildcards: figures(*page_figures()),
        shown=page_inputs,
    output:
        ensure(
            multiext(f"{RESULTS}/page/", "index.html", "evidence.html"), non_empty=True
        ),
    log:
        f"{RESULTS}/logs/build_page.log",
    benchmark:
        f"{RESULTS}/benchmarks/build_page.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        study=lambda wildcards, output: Path(output[0]).parents[1],
        folder=lambda wildcards, output: Path(output[0]).parent,
        runs=lambda wildcards: [run_folder(*run) for run in page_runs()],
        contents=lambda wildcards: as_argument(page_contents()),
        templates=lambda wildcards, input: Path(input.templates[0]).parent,
    shell:
        f"python {SCRIPTS}/build_page.py"
        " --study {params.study:q} --runs {params.runs:q}"
        " --contents {params.contents:q} --templates {params.templates:q}"
        " --caption {input.captions[0]:q} --output {params.folder:q} > {log:q} 2>&1"
