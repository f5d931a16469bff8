# The page: one HTML file with the table, the figures and the explorer of both tracks.
PAGE_TEMPLATES = [
    from_here(ROOT / f"workflow/page/{name}")
    for name in (
        "index.html.j2",
        "comparison.html.j2",
        "linear_regression.html.j2",
        "modular_addition.html.j2",
        "slider.html.j2",
        "page.css",
        "timeline.js",
        "track_a.js",
        "track_b.js",
        "start.js",
    )
]
TRACED = ("progress", "spectra", "embedding_planes", "embedding_trace")


rule build_page:
    input:
        code=program("build_page"),
        templates=PAGE_TEMPLATES,
        captions=lambda wildcards: [
            from_here(ROOT / f"workflow/report/{name}.rst")
            for name in ["comparative_metrics", *page_figures()]
        ],
        pictures=lambda wildcards: figures(*page_figures()),
        runs=lambda wildcards: [
            path
            for task in TASKS
            for file in ("run.json", "history.parquet")
            for path in runs(task, file)
        ],
        explored=page_inputs,
    output:
        ensure(f"{RESULTS}/page/index.html", non_empty=True),
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
        folders=[folder for task in TASKS for folder in folders(runs(task, "run.json"))],
        contents=lambda wildcards: as_argument(page_contents()),
        templates=lambda wildcards, input: Path(input.templates[0]).parent,
        captions=lambda wildcards, input: Path(input.captions[0]).parent,
    shell:
        f"python {SCRIPTS}/build_page.py"
        " --study {params.study:q} --runs {params.folders:q}"
        " --contents {params.contents:q} --templates {params.templates:q}"
        " --captions {params.captions:q} --output {output:q} > {log:q} 2>&1"
