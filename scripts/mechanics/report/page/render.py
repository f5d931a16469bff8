"""A page from its parts: templates, styles, data and programs become one file."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

CORE = ("arrays.js", "addition.js", "regression.js")  # the networks: in the page and in its worker
PROGRAMS = ("draw.js", "engine.js", "state.js", "add.js", "inside.js", "learn.js", "late.js")
PROGRAMS += ("prompt.js", "start.js")


def render(templates: Path, template: str, content: dict) -> str:
    """Raises jinja2.UndefinedError if the template wants what there is not."""
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(
        **content,
        style=Markup((templates / "page.css").read_text("utf-8")),
        core=Markup(inline(program(templates, CORE))),
        programs=Markup(inline(program(templates, PROGRAMS))),
    )


def program(folder: Path, names: tuple[str, ...]) -> str:
    return "\n".join(['"use strict";', *((folder / name).read_text("utf-8") for name in names)])


def inline(script: str) -> str:
    """JavaScript that may stand in a script element: nothing in it ends the element."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
