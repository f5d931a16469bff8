# Figures: those of a track are drawn by one job, for most of its time goes into starting. It depends
# on their modules and on what they are drawn from; a caption redraws nothing.
DRAWN = {task: drawn(task) for task in TASKS}
if SWEEP:
    DRAWN = {"modular_addition": list(registry.OF_A_SWEEP)}

for task, names in DRAWN.items():

    rule:
        name:
            f"plot_{contents.ROOMS[task]}"
        input:
            code=program("plot", *(f"mechanics/figures/{name}" for name in names)),
            tables=drawn_from(task, names),
        output:
            pdf=[
                ensure(f"{RESULTS}/figures/{name}.pdf", non_empty=True)
                for name in names
            ],
            png=[
                report(
                    f"{RESULTS}/figures/{name}.png",
                    caption=f"../report/{name}_figure.rst",
                    category=TRACKS[task],
                    subcategory="Figures",
                    labels={"figure": name},
                )
                for name in names
            ],
        log:
            f"{RESULTS}/logs/plot/{task}.log",
        benchmark:
            f"{RESULTS}/benchmarks/plot/{task}.tsv"
        conda:
            "../../envs/study.yaml"
        threads: 1
        resources:
            mem_mb=3000,
            runtime=15,
        params:
            figures=[f"{name}:{','.join(registry.drawn_from(name))}" for name in names],
            folder=lambda wildcards, output: Path(output[0]).parent,
        shell:
            f"python {SCRIPTS}/plot.py --figures {{params.figures}}"
            " --tables {input.tables:q} --output {params.folder:q}"
            " > {log:q} 2>&1"
