"""Settings: the slice of the config that one job depends on, as it travels to a program.

Imports neither torch nor pandas: the Snakefile uses it too.
"""

import json
from pathlib import Path

import yaml


class ConfigError(Exception):
    """A config that cannot be run. The message names file, key, value and what was expected."""


def read_yaml(path: str) -> dict:
    try:
        content = yaml.safe_load(Path(path).read_text())
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected keys and values, found {content!r}")
    return content


def as_argument(value: object) -> str:
    """A settings slice as one canonical line of JSON, for the command line and for hashing."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def read_settings(argument: str) -> dict:
    """A settings slice from the command line: JSON, or the path of a file that holds it.

    A ``run.json`` will do: its ``settings`` are then used, so that any run can be repeated.
    """
    if argument.lstrip().startswith("{"):
        return json.loads(argument)
    content = read_yaml(argument)
    return content.get("settings", content)
