# Track B: what is measured on the final weights of each run, and what follows its checkpoints.
FINAL = {  # measures of analyse_addition.py, and the tables that they write
    "evaluation": ["evaluation"],
    "circuit": ["circuit", "identities", "circles", "embedding", "neurons"],
    "patching": ["patched_neurons", "patched_groups"],
    "ablation": ["ablation", "parsimony"],
    "embedding_ablation": ["embedding_ablation"],
    "attention": ["attention", "attention_maps"],
}
FOLLOWED = ["progress", "spectra", "excluded", "embedding_planes", "embedding_trace"]
VARIANTS_ARE_ASKED = ["evaluation"] if SWEEP else ["evaluation", "circuit"]
ANALYSES = [  # rule, program, models, what it reads of a run, options, the tables that it writes
    (
        "analyse_addition",
        "analyse_addition",
        addition_models(variants=False),
        analysed_weights,
        "--weights",
        ["evaluation"] if SWEEP else sum(FINAL.values(), []),
    ),
    (
        "analyse_variant",
        "analyse_addition",
        addition_models(variants=True),
        analysed_weights,
        "--weights",
        sum([FINAL[measure] for measure in VARIANTS_ARE_ASKED], []),
    ),
    (
        "follow_addition",
        "follow_addition",
        "[^/]+",
        addition_run,
        "--run",
        FOLLOWED,
    ),
]

for name, analysis, models, source, option, written in ANALYSES:
    chosen = [measure for measure, own in FINAL.items() if set(own) <= set(written)]

    rule:
        name:
            name
        input:
            code=program(analysis),
            run=source,
            split=splits,
        output:
            ensure(
                [
                    f"{RESULTS}/analysis/modular_addition/{{model}}/{{block}}/{table}.parquet"
                    for table in written
                ],
                non_empty=True,
            ),
        log:
            f"{RESULTS}/logs/{name}_{{model}}_{{block}}.log",
        benchmark:
            f"{RESULTS}/benchmarks/{name}_{{model}}_{{block}}.tsv"
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
            program=analysis,
            option=option,
            source=lambda wildcards, input: (
                Path(input.run[0]).parent if "run.json" in input.run[0] else input.run
            ),
            only=f"--only {' '.join(chosen)}" if chosen else "",
            folder=lambda wildcards, output: Path(output[0]).parent,
        shell:
            f"python {SCRIPTS}/"
            "{params.program}.py {params.option} {params.source:q} {params.only}"
            " --split {input.split:q} --output {params.folder:q} --device {resources.device}"
            " > {log:q} 2>&1"
