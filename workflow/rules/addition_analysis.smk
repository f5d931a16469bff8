# Track B: what is measured on the final weights of each run, and what follows its checkpoints.
MEASURED_ADDITION = ["evaluation"]
if not SWEEP:  # a sweep asks only which of its many runs generalise
    MEASURED_ADDITION += ["circuit", "identities", "circles", "embedding", "neurons"]
    MEASURED_ADDITION += ["patched_neurons", "patched_groups", "ablation", "parsimony"]
    MEASURED_ADDITION += ["embedding_ablation", "attention", "attention_maps"]
FOLLOWED_ADDITION = ["progress", "spectra", "excluded"]
FOLLOWED_ADDITION += ["embedding_planes", "embedding_trace"]
ANALYSES = {  # program: what it reads of a run, the option for that, what it writes
    "analyse_addition": (
        lambda wildcards: [
            weights_of("modular_addition", wildcards.model, seed)
            for seed in seeds_of(wildcards)
        ],
        "--weights {input.run:q}" + (" --only evaluation" if SWEEP else ""),
        MEASURED_ADDITION,
    ),
    "follow_addition": (
        multiext(
            f"{RESULTS}/runs/modular_addition/{{model}}/{{block}}/",
            "run.json",
            "checkpoints.safetensors",
        ),
        "--run {params.run:q}",
        FOLLOWED_ADDITION,
    ),
}

for analysis, (source, options, measured) in ANALYSES.items():

    rule:
        name:
            analysis
        input:
            code=program(analysis),
            run=source,
            split=splits,
        output:
            ensure(
                [
                    f"{RESULTS}/analysis/modular_addition/{{model}}/{{block}}/{name}.parquet"
                    for name in measured
                ],
                non_empty=True,
            ),
        log:
            f"{RESULTS}/logs/{analysis}_{{model}}_{{block}}.log",
        benchmark:
            f"{RESULTS}/benchmarks/{analysis}_{{model}}_{{block}}.tsv"
        conda:
            "../../envs/study.yaml"
        threads: 1
        resources:
            mem_mb=3000,
            runtime=60,
            device=ANALYSIS_DEVICE,
        params:
            run=lambda wildcards, input: Path(input.run[0]).parent,
            folder=lambda wildcards, output: Path(output[0]).parent,
        shell:
            f"python scripts/{analysis}.py {options} --split {{input.split:q}}"
            " --output {params.folder:q} --device {resources.device} > {log:q} 2>&1"
