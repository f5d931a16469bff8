# What several rules need: the code a program is made of, and the settings slices it gets.


def program(name):
    """A program and every module it imports: editing any of them reruns the rule, no other does."""
    root = Path(workflow.basedir).parent
    closure = import_closure(root / "scripts" / f"{name}.py")
    return [str(path.relative_to(root)) for path in closure]


def run_folder(task, model, block):
    return f"{RESULTS}/runs/{task}/{model}/{block}"


def seeds_of(wildcards):
    return study.blocks(config[wildcards.task], wildcards.model)[wildcards.block]


def runs(task, file):
    """One file of every run of a task."""
    return [
        f"{run_folder(task, model, block)}/{file}"
        for model in study.models(config[task])
        for block in study.blocks(config[task], model)
    ]


def tables(name):
    return expand(f"{RESULTS}/tables/{name}.{{kind}}", kind=["csv", "md"])


def figures(*names):
    return expand(
        f"{RESULTS}/figures/{{name}}.{{kind}}", name=names, kind=["pdf", "png"]
    )
