# Analysis: the final weights of each run by one program, its checkpoints by another.
def weights_read(task):
    return lambda wildcards: [
        weights_of(task, wildcards.model, seed) for seed in seeds_of(task, wildcards)
    ]


def data_read(task):
    return lambda wildcards: data_of(task, wildcards.model, seeds_of(task, wildcards))


def job_of_run(run, stage):
    """The options of a stage's program for a run, the files that it writes, and its modules."""
    measures = contents.measures(run.task)
    if stage == "analyse":  # a sweep asks only how its many runs ended
        own = measures.defined_for(run.settings, run.is_variant)
        own = ["evaluation"] if SWEEP else own
        files = [name for measure in own for name in measures.TABLES[measure]]
        modules = [contents.module_of(run.task, measure).replace(".", "/") for measure in own]
        return f"--only {' '.join(own)}", files, modules
    following = [f"mechanics/{ROOMS[run.task]}/following"]
    if run.model not in {shown.model for shown in page_runs(run.task)}:
        return "", measures.FOLLOWED, following
    shown = f"--shown {run.settings['seeds'][0]}"
    return shown, measures.FOLLOWED + measures.SHOWN, following


def jobs_of_stage(task, stage):
    """The models whose jobs have the same options, files and modules, by these."""
    alike = {}
    for run in RUNS:
        if run.task == task and (stage == "analyse" or not run.is_imported):
            options, *lists = job_of_run(run, stage)
            alike.setdefault((options, *map(tuple, lists)), {})[run.model] = None
    return alike


for task, stage in [(task, stage) for task in TASKS for stage in ("analyse", "follow")]:
    job, name, read = f"{stage}_{ROOMS[task]}", f"analyse_{ROOMS[task]}", weights_read(task)
    if stage == "follow":
        name = "follow"
        folder = f"{RESULTS}/runs/{task}/{{model}}/{{block}}/"
        read = multiext(folder, "run.json", "checkpoints.safetensors")
    alike = jobs_of_stage(task, stage)
    for number, ((options, files, modules), models) in enumerate(alike.items(), start=1):

        rule:
            name:
                f"{job}_{number}" if number > 1 else job
            input:
                code=program(name, *modules),
                run=read,
                data=data_read(task),
            output:
                ensure([analysed(task, "{model}", "{block}", n) for n in files], non_empty=True),
            log:
                f"{RESULTS}/logs/{job}/{{model}}_{{block}}.log",
            benchmark:
                f"{RESULTS}/benchmarks/{job}/{{model}}_{{block}}.tsv"
            wildcard_constraints:
                model="[^/]+" if len(alike) == 1 else "|".join(map(re.escape, models)),
            conda:
                "../../envs/study.yaml"
            resources:
                mem_mb=3000,
                runtime=60,
                device=ANALYSIS_DEVICE,
            params:  # a loop's names have their last values by the time that a command is run
                program=name,
                source=lambda wildcards, input, stage=stage: (
                    ["--weights", *input.run]
                    if stage == "analyse"
                    else ["--run", Path(input.run[0]).parent]
                ),
                data="--prompts" if task == "linear_regression" else "--split",
                options=options,
                folder=lambda wildcards, output: Path(output[0]).parent,
            shell:
                f"python {SCRIPTS}/{{params.program}}.py {{params.source:q}} {{params.options}}"
                " {params.data} {input.data:q} --output {params.folder:q}"
                " --device {resources.device} > {log:q} 2>&1"
