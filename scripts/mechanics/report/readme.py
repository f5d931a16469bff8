"""The README's block of results, from the published claims."""

import re
from pathlib import Path

BEGIN, END = "<!-- results -->", "<!-- end of results -->"


class ReadmeError(Exception):
    """A README or template that cannot be filled. The message says why."""


def results_text(template: str, content: dict) -> str:
    """The template with each {claim} filled in, and the table of configurations for {comparison}.

    [?claim: words] is left out where the claim is absent, [!claim: words] where it is not: the
    words follow what is in the study. ``content``: claims.json.
    Raises ReadmeError for a claim that is not in it.
    """

    def claim(name: str) -> dict:
        if name not in content["claims"]:
            raise ReadmeError(f"no claim is called {name}")
        return content["claims"][name]

    def fill(match: re.Match) -> str:
        return table if match[1] == "comparison" else claim(match[1])["text"].replace("$", "")

    header = ("Model configuration", "Task", "Accuracy or MSE/d", "FLOPs", "Interpretation")
    columns = ("configuration", "task", "value", "flops", "interpretation")
    rows = [header, ["---"] * len(header)]
    rows += [[row[column] for column in columns] for row in content["comparison"]]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def when(match: re.Match) -> str:
        wanted = match[1] == "!"
        return match[3] if claim(match[2])["absent"] == wanted else ""

    return re.sub(r"{(\w+)}", fill, re.sub(r"\[([?!])(\w+): ([^\]]*)\]", when, template))


def with_results(readme: str, text: str) -> str:
    """The README with its block of results replaced. Raises ReadmeError if it has none."""
    if BEGIN not in readme or END not in readme:
        raise ReadmeError(f"the README has no block {BEGIN} … {END}")
    before, rest = readme.split(BEGIN, 1)
    return f"{before}{BEGIN}\n{text}{END}{rest.split(END, 1)[1]}"


def update(readme: Path, template: Path, content: dict) -> None:
    """Write the README's block of results anew."""
    readme.write_text(with_results(readme.read_text(), results_text(template.read_text(), content)))
