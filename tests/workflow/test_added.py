"""One entry of each kind is added, as the README says, and stands in tables and report."""

from tiny_study import TINY, add_figure, insert, snakemake, succeeded

RELU = """    if kind == "relu":
        weights = scores.relu() if mask is None else scores.relu() * mask
        return weights / weights.sum(dim=-1, keepdim=True).clamp_min(1e-9)
"""
HALF = """        "half of OLS": lambda own: ordinary_least_squares(own) / 2,
"""


def replace(path, old: str, new: str) -> None:
    assert old in path.read_text(), f"{path}: {old!r} is not there"
    path.write_text(path.read_text().replace(old, new))


def only(task: str, name: str, **entry) -> dict:
    """The tiny study's section with this network, of one seed, and no other."""
    models = dict.fromkeys(TINY[task]["models"]) | {name: {"seeds": [0], "stack": 1} | entry}
    return TINY[task] | {"models": models}


def test_a_depth_a_kind_of_attention_an_algorithm_and_a_figure_are_added(clone):
    mechanics = clone / "scripts/mechanics"
    attention = mechanics / "models/attention.py"
    insert(attention, "    if mask is None:\n        return scores / ", RELU)
    replace(attention, 'Literal["linear", "softmax"]', 'Literal["linear", "softmax", "relu"]')
    replace(
        mechanics / "study/keys.py",
        'one_of("linear", "softmax")',
        'one_of("linear", "softmax", "relu")',
    )
    references = mechanics / "regression/references.py"
    insert(references, '        "ridge": ', HALF)
    add_figure(clone)
    config = TINY | {
        "linear_regression": only("linear_regression", "relu_L1", attention="relu"),
        "modular_addition": only("modular_addition", "relu_L2", attention="relu", n_layers=2),
    }
    made = ["report/report.pdf", "page/evidence.html"]
    made += ["tables/comparative_metrics.csv", "tables/algorithm_match.csv"]
    succeeded(snakemake(clone, *(f"results/tiny/{name}" for name in made), config=config))
    tables = clone / "results/tiny/tables"
    assert "half of OLS" in (tables / "algorithm_match.csv").read_text()
    compared = (tables / "comparative_metrics.csv").read_text()
    assert all(name in compared for name in ("relu_L1", "relu_L2"))
    assert (clone / "results/tiny/report/report.pdf").stat().st_size > 0
    page = (clone / "results/tiny/page/evidence.html").read_text()
    assert "How sure each network is." in page
