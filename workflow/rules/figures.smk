# Figures: those of a track are drawn by one job, for most of its time goes into starting. It depends
# on their modules and on what they are drawn from; a caption redraws nothing.
def drawn(task):
    """The figures of a track, without those of tables that this study does not have."""
    if SWEEP:
        return list(registry.OF_A_SWEEP) if task == "modular_addition" else []
    made = {registry.HISTORY}.union(*TABLES.values())
    return [name for name, read in registry.FIGURES[task].items() if made >= {*read}]


def drawn_from(task, figures):
    """The files that some figures of a track are drawn from, each once."""
    histories = runs("history.parquet", task, variants=False)
    names = dict.fromkeys(name for own in figures for name in registry.drawn_from(own))
    return [
        path
        for name in names
        for path in (histories if name == registry.HISTORY else [table(name)])
    ]


DRAWN = {task: drawn(task) for task in TASKS}

for task, names in DRAWN.items():

    rule:
        name:
            f"plot_{ROOMS[task]}"
        input:
            code=program("plot", *(f"mechanics/figures/{name}" for name in names)),
            tables=drawn_from(task, names),
        output:
            pdf=[ensure(f"{RESULTS}/figures/{name}.pdf", non_empty=True) for name in names],
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
        resources:
            mem_mb=3000,
            runtime=15,
        params:
            figures=[f"{name}:{','.join(registry.drawn_from(name))}" for name in names],
        shell:
            f"python {SCRIPTS}/plot.py --figures {{params.figures}}"
            f" --tables {{input.tables:q}} --output {STUDY}/figures > {{log:q}} 2>&1"
