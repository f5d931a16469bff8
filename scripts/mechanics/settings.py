"""Settings: the slice of the config that one job depends on, as it travels to a program.

Imports neither torch nor pandas: the Snakefile uses it too.
"""

import json
from pathlib import Path

import yaml


class ConfigError(Exception):
    """A config that cannot be run. The message names file, key, value and what was expected."""


def read_yaml(path: str) -> dict:
    """Raises ConfigError for a file that is no YAML, has no keys, or gives a key twice."""
    try:
        text = Path(path).read_text("utf-8")
        content = yaml.safe_load(text)
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected keys and values, found {content!r}")
    _refuse_duplicates(path, yaml.compose(text))
    return content


def _refuse_duplicates(path: str, node: yaml.Node, above: str = "") -> None:
    """YAML keeps the last of two equal keys and drops the other without a word."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_duplicates(path, item, above)
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[str, int] = {}
    for key, value in node.value:
        name, line = f"{above}{key.value}", key.start_mark.line + 1
        if name in lines:
            raise ConfigError(
                f"{path}: {name} stands twice, on lines {lines[name]} and {line}: expected it once"
            )
        lines[name] = line
        _refuse_duplicates(path, value, f"{name}.")


def is_odd_prime(p: int) -> bool:
    return p >= 3 and all(p % divisor for divisor in range(2, int(p**0.5) + 1))


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
