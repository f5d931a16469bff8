"""What the declared claims need of the config: the slice that making them depends on.

Imports neither torch nor pandas: the Snakefile reads it at every start.
"""

from collections.abc import Container

from mechanics.study.config import TASKS, model_entry, models


def setting_paths(declared: dict[str, dict]) -> list[str]:
    """Every path in the config that a claim reads, itself or to choose its rows; sorted."""
    paths = set()
    for declaration in declared.values():
        if "setting" in declaration:
            paths.add(declaration["setting"])
        for wanted in declaration.get("where", {}).values():
            if isinstance(wanted, dict):
                paths.add(wanted["setting"])
    return sorted(paths)


def study_slice(config: dict, specification: dict, made: Container[str]) -> dict:
    """``settings`` (path → value, for those that this config has), ``tasks`` (table → task, for
    the tables ``made`` in this study) and ``seeds`` (task → entry → how many seeds it asks for).
    """
    tasks = [task for task in TASKS if config.get(task)]
    settings = {}
    for path in setting_paths(specification["claims"]):
        value = _lookup(config, path)
        if value is not None:
            settings[path] = value
    seeds = {
        task: {name: len(model_entry(config[task], name)["seeds"]) for name in models(config[task])}
        for task in tasks
    }
    of_tables = {table: task for table, task in specification["tables"].items() if table in made}
    return {"settings": settings, "tasks": of_tables, "seeds": seeds}


def _lookup(config: dict, path: str):
    """The value at ``task.key.key``; of a model with what it inherits; None where it is absent."""
    task, *keys = path.split(".")
    value = config.get(task)
    if value and keys[0] == "models":
        name = ".".join(keys[1:-1])  # a model's name may have dots
        value, keys = (model_entry(value, name) if name in models(value) else None), keys[-1:]
    for key in keys:
        if isinstance(value, list):
            value = value[min(int(key), len(value) - 1)]  # a shorter list: its last
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value
