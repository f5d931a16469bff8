# Data: the held-out evaluation prompts, and the split of the pairs for every seed.


rule sample_prompts:
    input:
        code=program("sample_prompts"),
    output:
        ensure(
            f"{RESULTS}/data/linear_regression/evaluation.safetensors", non_empty=True
        ),
    log:
        f"{RESULTS}/logs/sample_prompts.log",
    benchmark:
        f"{RESULTS}/benchmarks/sample_prompts.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        settings=as_argument(study.evaluation_settings(config)),
    shell:
        f"python {SCRIPTS}/sample_prompts.py"
        " --settings {params.settings:q} --output {output:q}"
        " > {log:q} 2>&1"


rule split_pairs:
    input:
        code=program("split_pairs"),
    output:
        ensure(
            f"{RESULTS}/data/modular_addition/split_seed{{seed}}{{mark}}.parquet",
            non_empty=True,
        ),
    log:
        f"{RESULTS}/logs/split_pairs_seed{{seed}}{{mark}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/split_pairs_seed{{seed}}{{mark}}.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        settings=lambda wildcards: as_argument(
            study.split_settings(config, wildcards.mark)
        ),
    shell:
        f"python {SCRIPTS}/split_pairs.py"
        " --settings {params.settings:q} --seed {wildcards.seed}"
        " --output {output:q} > {log:q} 2>&1"
