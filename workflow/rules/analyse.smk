# Analysis: the final weights of each run by one program, its checkpoints by another.
ANALYSES = (
    []
)  # rule, its log, program and module by name, task, models, what is read, option, options, tables


def measures_of(task, model):
    """The measures of a model's final weights. A sweep asks only how its many runs ended."""
    if SWEEP:
        return ("evaluation",)
    return tuple(contents.measures(task).defined_for(*described_model(task, model)))


def weights_read(task):
    return lambda wildcards: [
        weights_of(task, wildcards.model, seed) for seed in seeds_of(task, wildcards)
    ]


def run_read(task):
    return multiext(
        f"{RESULTS}/runs/{task}/{{model}}/{{block}}/",
        "run.json",
        "checkpoints.safetensors",
    )


def job_of_model(task, model, stage):
    """The options of a stage's program for a model, and the files that it writes of a run."""
    measures = contents.measures(task)
    if stage == "analyse":
        own = measures_of(task, model)
        return f"--only {' '.join(own)}", [t for m in own for t in measures.TABLES[m]]
    if (task, model) not in [run[:2] for run in page_runs()]:
        return "", measures.FOLLOWED
    seed = study.model_entry(config[task], model)["seeds"][0]
    return f"--shown {seed}", measures.FOLLOWED + measures.SHOWN


for task in TASKS:
    room = ROOMS[task]
    for stage, source, option, code in (
        ("analyse", weights_read(task), "--weights", [f"analyse_{room}"]),
        ("follow", run_read(task), "--run", ["follow", f"mechanics/{room}/following"]),
    ):
        alike = {}
        for model in study.models(config[task]):
            if stage == "follow" and study.is_imported(config[task], model):
                continue
            options, written = job_of_model(task, model, stage)
            alike.setdefault((options, tuple(written)), []).append(model)
        for number, ((options, written), models) in enumerate(alike.items()):
            ANALYSES.append(
                (
                    f"{stage}_{room}" + (f"_{number + 1}" if number else ""),
                    f"{stage}_{room}",
                    code,
                    task,
                    "[^/]+" if len(alike) == 1 else "|".join(map(re.escape, models)),
                    source,
                    option,
                    options,
                    written,
                )
            )

for name, analysis, code, task, models, source, option, only, written in ANALYSES:

    rule:
        name:
            name
        input:
            code=program(*code),
            run=source,
            data=data_of(task),
        output:
            ensure(
                [analysed(task, "{model}", "{block}", name) for name in written],
                non_empty=True,
            ),
        log:
            f"{RESULTS}/logs/{analysis}/{{model}}_{{block}}.log",
        benchmark:
            f"{RESULTS}/benchmarks/{analysis}/{{model}}_{{block}}.tsv"
        wildcard_constraints:
            model=models,
        conda:
            "../../envs/study.yaml"
        threads: 1
        resources:
            mem_mb=3000,
            runtime=60,
            device=ANALYSIS_DEVICE,
        params:  # a loop's names have their last values by the time that a shell command is run
            program=code[0],
            source=lambda wildcards, input, option=option: (
                [option, Path(input.run[0]).parent]
                if option == "--run"
                else [option, *input.run]
            ),
            data="--prompts" if task == "linear_regression" else "--split",
            only=only,
            folder=lambda wildcards, output: Path(output[0]).parent,
        shell:
            f"python {SCRIPTS}/{{params.program}}.py"
            " {params.source:q} {params.only}"
            " {params.data} {input.data:q} --output {params.folder:q} --device {resources.device}"
            " > {log:q} 2>&1"
