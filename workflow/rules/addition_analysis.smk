# Track B: what is measured on each run, at its end or at every checkpoint.
ADDITION_RUN = multiext(
    f"{RESULTS}/runs/modular_addition/{{model}}/{{block}}/",
    "run.json",
    "checkpoints.safetensors",
)


rule analyse_addition_checkpoints:
    input:
        code=program("analyse_addition_checkpoints"),
        run=ADDITION_RUN,
        split=splits,
    output:
        progress=ensure(
            f"{RESULTS}/analysis/modular_addition/{{model}}/{{block}}/progress.parquet",
            non_empty=True,
        ),
        spectra=ensure(
            f"{RESULTS}/analysis/modular_addition/{{model}}/{{block}}/spectra.parquet",
            non_empty=True,
        ),
        excluded=ensure(
            f"{RESULTS}/analysis/modular_addition/{{model}}/{{block}}/excluded.parquet",
            non_empty=True,
        ),
    log:
        f"{RESULTS}/logs/analyse_addition_checkpoints_{{model}}_{{block}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/analyse_addition_checkpoints_{{model}}_{{block}}.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=15,
        device=ANALYSIS_DEVICE,
    params:
        run=lambda wildcards, input: Path(input.run[0]).parent,
    shell:
        "python scripts/analyse_addition_checkpoints.py --run {params.run:q} --split {input.split:q}"
        " --output {output.progress:q}"
        " --spectra {output.spectra:q}"
        " --excluded {output.excluded:q}"
        " --device {resources.device} > {log:q} 2>&1"


rule measure_circuit:
    input:
        code=program("measure_circuit"),
        run=ADDITION_RUN,
    output:
        circuit=ensure(
            f"{RESULTS}/analysis/modular_addition/{{model}}/{{block}}/circuit.parquet",
            non_empty=True,
        ),
        identities=ensure(
            f"{RESULTS}/analysis/modular_addition/{{model}}/{{block}}/identities.parquet",
            non_empty=True,
        ),
        circles=ensure(
            f"{RESULTS}/analysis/modular_addition/{{model}}/{{block}}/circles.parquet",
            non_empty=True,
        ),
        embedding=ensure(
            f"{RESULTS}/analysis/modular_addition/{{model}}/{{block}}/embedding.parquet",
            non_empty=True,
        ),
        neurons=ensure(
            f"{RESULTS}/analysis/modular_addition/{{model}}/{{block}}/neurons.parquet",
            non_empty=True,
        ),
    log:
        f"{RESULTS}/logs/measure_circuit_{{model}}_{{block}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/measure_circuit_{{model}}_{{block}}.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=15,
        device=ANALYSIS_DEVICE,
    params:
        run=lambda wildcards, input: Path(input.run[0]).parent,
    shell:
        "python scripts/measure_circuit.py --run {params.run:q}"
        " --output {output.circuit:q}"
        " --identities {output.identities:q}"
        " --circles {output.circles:q}"
        " --embedding {output.embedding:q}"
        " --neurons {output.neurons:q}"
        " --device {resources.device} > {log:q} 2>&1"


rule patch_neurons:
    input:
        code=program("patch_neurons"),
        run=ADDITION_RUN,
    output:
        neurons=ensure(
            f"{RESULTS}/analysis/modular_addition/{{model}}/{{block}}/patched_neurons.parquet",
            non_empty=True,
        ),
        groups=ensure(
            f"{RESULTS}/analysis/modular_addition/{{model}}/{{block}}/patched_groups.parquet",
            non_empty=True,
        ),
    log:
        f"{RESULTS}/logs/patch_neurons_{{model}}_{{block}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/patch_neurons_{{model}}_{{block}}.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=15,
        device=ANALYSIS_DEVICE,
    params:
        run=lambda wildcards, input: Path(input.run[0]).parent,
    shell:
        "python scripts/patch_neurons.py --run {params.run:q}"
        " --output {output.neurons:q}"
        " --groups {output.groups:q}"
        " --device {resources.device} > {log:q} 2>&1"


rule ablate_frequencies:
    input:
        code=program("ablate_frequencies"),
        run=ADDITION_RUN,
        split=splits,
    output:
        ablation=ensure(
            f"{RESULTS}/analysis/modular_addition/{{model}}/{{block}}/ablation.parquet",
            non_empty=True,
        ),
        parsimony=ensure(
            f"{RESULTS}/analysis/modular_addition/{{model}}/{{block}}/parsimony.parquet",
            non_empty=True,
        ),
    log:
        f"{RESULTS}/logs/ablate_frequencies_{{model}}_{{block}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/ablate_frequencies_{{model}}_{{block}}.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=15,
        device=ANALYSIS_DEVICE,
    params:
        run=lambda wildcards, input: Path(input.run[0]).parent,
    shell:
        "python scripts/ablate_frequencies.py --run {params.run:q} --split {input.split:q}"
        " --output {output.ablation:q}"
        " --parsimony {output.parsimony:q}"
        " --device {resources.device} > {log:q} 2>&1"


rule measure_addition_attention:
    input:
        code=program("measure_addition_attention"),
        run=ADDITION_RUN,
    output:
        attention=ensure(
            f"{RESULTS}/analysis/modular_addition/{{model}}/{{block}}/attention.parquet",
            non_empty=True,
        ),
        maps=ensure(
            f"{RESULTS}/analysis/modular_addition/{{model}}/{{block}}/attention_maps.parquet",
            non_empty=True,
        ),
    log:
        f"{RESULTS}/logs/measure_addition_attention_{{model}}_{{block}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/measure_addition_attention_{{model}}_{{block}}.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=15,
        device=ANALYSIS_DEVICE,
    params:
        run=lambda wildcards, input: Path(input.run[0]).parent,
    shell:
        "python scripts/measure_addition_attention.py --run {params.run:q}"
        " --output {output.attention:q}"
        " --maps {output.maps:q}"
        " --device {resources.device} > {log:q} 2>&1"


rule ablate_embedding:
    input:
        code=program("ablate_embedding"),
        run=ADDITION_RUN,
    output:
        ensure(
            f"{RESULTS}/analysis/modular_addition/{{model}}/{{block}}/embedding_ablation.parquet",
            non_empty=True,
        ),
    log:
        f"{RESULTS}/logs/ablate_embedding_{{model}}_{{block}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/ablate_embedding_{{model}}_{{block}}.tsv"
    conda:
        "../../envs/study.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=30,
        device=ANALYSIS_DEVICE,
    params:
        run=lambda wildcards, input: Path(input.run[0]).parent,
    shell:
        "python scripts/ablate_embedding.py --run {params.run:q} --output {output:q}"
        " --device {resources.device} > {log:q} 2>&1"
