# The notebook of the study, executed: a copy to go on working in, and a page to read.
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
        study=lambda wildcards, output: Path(output[0]).parents[1],
        folder=lambda wildcards, output: Path(output[0]).parent,
    shell:
        f"python {SCRIPTS}/execute_notebook.py"
        " --study {params.study:q} --output {params.folder:q}"
        " > {log:q} 2>&1"
