"""The tables of config/README.md, written anew from the keys by ``make format``."""

import re
from collections.abc import Iterator
from inspect import isclass
from pathlib import Path
from typing import get_args

from mechanics.study import keys

README = Path(__file__).parents[3] / "config/README.md"
BLOCK = re.compile("(<!-- keys of (.*) -->\n)(?:[|].*\n)*")
HEADER = "| key | value | unit | meaning |\n| --- | --- | --- | --- |\n"


def filled(text: str) -> str:
    """The text with the table of each class of keys that it names in a comment."""
    return BLOCK.sub(
        lambda found: "".join([found[1], HEADER, *_rows(getattr(keys, found[2]))]), text
    )


def _rows(kind: type[keys.Keys], above: str = "") -> Iterator[str]:
    for name in kind.__annotations__:  # its own, not those of its base
        if not (field := kind.model_fields.get(name)):
            continue
        value = field.title or ""
        if field.default is not None and not field.is_required():
            value += f"; left out: {str(field.default).lower()}"
        unit = field.json_schema_extra["unit"]
        yield f"| `{above}{name}` | {value} | {unit} | {field.description} |\n"
        for own in _classes(field.annotation):
            if issubclass(own, keys.Keys) and not issubclass(own, keys.Section):
                yield from _rows(own, f"{name}.")


def _classes(annotation) -> list[type]:
    """The classes that an annotation names: Grid of list[Grid] | None."""
    inner = [own for part in get_args(annotation) for own in _classes(part)]
    return inner or [annotation] * isclass(annotation)


if __name__ == "__main__":
    README.write_text(filled(README.read_text()))
