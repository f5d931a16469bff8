"""The page from its parts: templates, data and Vega's JavaScript become one file."""

from pathlib import Path

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mechanics.report.page.pack import as_json

TEMPLATE = "index.html.j2"
PROGRAMS = ("timeline.js", "track_a.js", "track_b.js", "start.js")


def render(templates: Path, content: dict, data: dict) -> str:
    """HTML of the page. ``data`` is what its scripts read; ``content`` what the template shows.

    Raises jinja2.UndefinedError if the template wants what there is not.
    """
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    own = "\n".join((templates / name).read_text("utf-8") for name in PROGRAMS)
    return environment.get_template(TEMPLATE).render(
        **content,
        style=Markup((templates / "page.css").read_text("utf-8")),
        data=Markup(as_json(data)),
        vega=Markup(inline(vl_convert.javascript_bundle())),
        programs=Markup(inline(f'"use strict";\n{own}')),
    )


def inline(script: str) -> str:
    """JavaScript that may stand in a script element: nothing in it ends the element."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
