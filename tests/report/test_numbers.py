"""The numbers of the published study, and what studies say that have less."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from mechanics.report.directions import directions
from mechanics.report.numbers import HELD, numbers
from mechanics.report.prose import names
from mechanics.report.stated import TABLES, stated_settings

ROOT = Path(__file__).parents[2]
PUBLISHED = json.loads((ROOT / "results/published/report/claims.json").read_text())


def test_numbers_and_directions_of_the_published_study_are_those_that_were_published(content):
    found, published = content["claims"], PUBLISHED["claims"]
    assert set(found) == set(published)
    for name, own in found.items():
        assert not own["absent"], name
        for key in ("value", "ci_low", "ci_high", "n"):
            value = published[name][key]
            wanted = pytest.approx(value, abs=1e-9, rel=0) if isinstance(value, float) else value
            assert own[key] == wanted, f"{name}: {key}"
    assert content["directions"] == PUBLISHED["directions"]
    assert sum(own["holds"] is True for own in content["directions"].values()) > 20


class Looked(dict):
    """Numbers that remember which of them were looked up."""

    def __getitem__(self, name):
        self.names = getattr(self, "names", set()) | {name}
        return super().__getitem__(name)


def test_each_number_has_its_table_and_cell_and_is_stated_or_compared():
    found = Looked(numbers({}, {}))
    assert all(own["table"] and own["cell"] for own in found.values())
    used = {own["table"] for own in found.values()}
    assert used - {"config"} <= set().union(*TABLES.values())
    sources = [ROOT / "workflow/report" / name for name in ("prose.typ", "readme.md")]
    stated = set().union(*(names(path.read_text()) for path in sources)) - {"comparison"}
    known = directions({}, found, {})
    assert stated | found.names == set(found) | set(known)
    assert set(known) <= stated


@pytest.mark.parametrize("track", TABLES)
def test_with_one_track_its_numbers_stay_and_the_others_are_absent(
    tables, content, settings, track
):
    kept = {name: tables[name] for name in TABLES[track]}
    alone = numbers(kept, settings)
    for name, own in alone.items():
        if own["table"] in TABLES[track]:
            assert own == content["claims"][name]
        elif own["table"] != "config":
            assert own["absent"]
    assert any(own["holds"] is None for own in directions(kept, alone, settings).values())


def test_with_every_seed_diverged_no_number_is_made_up(tables, settings):
    diverged = {name: table.head(0) for name, table in tables.items()}
    diverged |= {n: own.assign(status="diverged") for n, own in tables.items() if "status" in own}
    alone = numbers(diverged, settings)
    counted = re.compile(r"\d+ of \d+|not in this study|not measured.*")
    assert all(counted.fullmatch(own["text"]) for own in alone.values() if own["table"] != "config")
    assert not any(own["holds"] for own in directions(diverged, alone, settings).values())


def test_a_direction_that_the_tables_contradict_does_not_hold_be_it_in_one_seed(tables, settings):
    doses = tables["norm_dose"].copy()  # one seed of those whose norm is held
    doses.loc[doses.query(HELD).index[0], ["status", "grokking_step"]] = "censored", float("nan")
    changed = {"norm_dose": doses, "regression_risk": tables["regression_risk"].assign(ols=0.3)}
    changed = tables | changed
    stated = directions(changed, numbers(changed, settings), settings)
    assert stated["misses_ols"]["holds"] is False
    assert stated["held_is_early"]["holds"] is False
    assert stated["is_one_step"]["holds"]


def test_runs_from_one_start_are_compared_seed_by_seed():
    def holds(direction: str) -> bool | None:
        return directions({"norm_dose": doses}, numbers({}, {}), {})[direction]["holds"]

    rows = [  # seed 1 is nine times slower under every decay
        {"entry": f"wd{decay}", "arm": arm, "seed": seed, "weight_decay": decay}
        | {"grokking_step": slow * 100 / decay, "n_keys": 3 + (decay == 1.0) + seed}
        for decay, arm in ((0.5, "weight_decay"), (1.0, "main"), (3.0, "weight_decay"))
        for seed, slow in ((0, 1), (1, 9))
    ]
    doses = pd.DataFrame(rows).assign(model="softmax_L1", epsilon=1e-8, status="grokked")
    doses = doses.assign(norm_factor=1, temperature=1)
    assert holds("decay_sets_pace") is True
    assert holds("fewer_when_held") is None
    doses = doses.replace({"entry": {"wd0.5": "softmax_L1_held", "wd1.0": "softmax_L1"}})
    for seed_0, fewer in ((3, True), (4, False)):
        doses.loc[doses.query("entry == 'softmax_L1_held' and seed == 0").index, "n_keys"] = seed_0
        assert holds("fewer_when_held") is fewer
    doses["grokking_step"] = 100.0
    assert holds("decay_sets_pace") is False


def test_of_the_settings_models_inherit_and_what_the_config_lacks_is_left_out():
    lengths = {"d": 3, "k_min": 2, "k_max": 8}
    section = lengths | {"tabulated_at": [8], "models": {"linear_L1_subspace": {"seeds": [0]}}}
    section["defaults"] = {"d_max": 6, "seeds": [0, 1]}
    stated = stated_settings({"linear_regression": section, "modular_addition": None})
    assert stated.pop("tracks") == ["linear_regression"]
    assert stated == lengths | {"k_middle": 8, "subspace_d": 6}  # of a shorter list the last
