"""The README's block of results, from the published numbers.

The template is Markdown with one sentence a line and numbers as ``{name}``. A line is left out
whose number the study does not have, or whose direction (``{is_smoother}``, which prints nothing)
does not hold in it. ``{comparison}`` is the table of configurations.
"""

from pathlib import Path

from mechanics.report.prose import names, problems

BEGIN, END = "<!-- results -->", "<!-- end of results -->"


class ReadmeError(Exception):
    """A README or template that cannot be filled. The message says why."""


def results_text(template: str, content: dict) -> str:
    """The template filled in. ``content``: claims.json.

    Raises ReadmeError for a number that is typed in, or not in claims.json.
    """
    texts = {"comparison": _comparison(content["comparison"])}
    texts |= {name: own["text"] for name, own in content["claims"].items() if not own["absent"]}
    texts |= {name: "" for name, own in content["directions"].items() if own["holds"]}
    known = {"comparison", *content["claims"], *content["directions"]}
    if found := problems(template, known):
        raise ReadmeError("\n".join(["the template of the README's results:", *found]))
    kept = [line for line in template.splitlines() if names(line) <= set(texts)]
    return "".join(f"{line.format_map(texts)}\n" for line in kept)


def with_results(readme: str, text: str) -> str:
    """The README with its block of results replaced. Raises ReadmeError if it has none."""
    if BEGIN not in readme or END not in readme:
        raise ReadmeError(f"the README has no block {BEGIN} … {END}")
    before, rest = readme.split(BEGIN, 1)
    return f"{before}{BEGIN}\n{text}{END}{rest.split(END, 1)[1]}"


def update(readme: Path, template: Path, content: dict) -> None:
    """Write the README's block of results anew."""
    text = results_text(template.read_text("utf-8"), content)
    readme.write_text(with_results(readme.read_text("utf-8"), text), "utf-8")


def _comparison(rows: list[dict]) -> str:
    header = ("Model configuration", "Task", "Accuracy or MSE/d", "FLOPs", "Interpretation")
    columns = ("configuration", "task", "value", "flops", "interpretation")
    lines = [header, ["---"] * len(header), *([row[key] for key in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
