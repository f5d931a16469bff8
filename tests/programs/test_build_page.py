"""The page: whole, alone, and with the numbers of the tables."""

import base64
import json
import re

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from small_study import KEYS, STEPS, P, build, write_study

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The study's folder, its runs, and the page."""
    study, runs = write_study(tmp_path_factory.mktemp("page"))
    return study, runs, build(study, runs, study / "page/index.html", ("rank_collapse",))


@pytest.fixture(scope="module")
def soup(built):
    return BeautifulSoup(built[2], "html.parser")


@pytest.fixture(scope="module")
def networks(soup):
    return json.loads(soup.find(id="page-data").string)["networks"]


def test_nothing_comes_from_elsewhere(soup):
    addresses = [tag[key] for key in ("src", "href") for tag in soup.find_all(**{key: True})]
    assert addresses
    for address in addresses:
        assert re.match(r"#|\.\./|data:", address), address
    styles = "".join(style.string for style in soup.find_all("style"))
    assert "url(" not in styles
    assert "@import" not in styles
    assert not soup.find_all(["link"], rel="stylesheet")
    assert "$schema" not in soup.find(id="page-data").string


def test_it_is_small_without_its_data(built):
    assert len(built[2].encode()) < 1.2 * MEGABYTE


def test_built_twice_it_is_the_same(built):
    study, runs, page = built
    assert build(study, runs, study / "page/again.html", ("rank_collapse",)) == page


def test_table_has_the_values_of_the_csv(built, soup):
    table = pd.read_csv(built[0] / "tables/comparative_metrics.csv")
    shown = soup.find("table")
    assert len(shown.find_all("tbody")) == table.groupby(["configuration", "task"]).ngroups
    values = [float(cell.text) for cell in shown.find_all(class_="value")]
    assert values == table.drop_duplicates(["task", "metric"])["value"].tolist()
    assert "nearest to <one step>" in shown.text  # escaped, not a tag


def test_figures_have_captions_alternatives_and_links_to_their_data(soup):
    plate = soup.find(id="attention_maps_regression")
    assert plate.img["alt"].startswith(
        "Attention maps, and softmax attention as a kernel smoother, Track A."
    )
    assert "W_QK" in plate.figcaption.text
    links = [link["href"] for link in plate.figcaption.find_all("a")]
    assert "../tables/attention_match.csv" in links
    assert "../figures/attention_maps_regression.pdf" in links


def test_regression_explorer_has_the_histories_and_the_laws(built, networks):
    linear, deep = networks["linear_regression"]
    history = pd.read_parquet(built[0] / "runs/linear_regression/linear_L1/0/history.parquet")
    expected = history[history["seed"] != 2].sort_values(["step", "k", "seed"])["risk"]
    assert linear["risk"] == pytest.approx(expected.tolist(), rel=1e-3)
    assert linear["steps"] == list(STEPS)
    assert (linear["seeds"], linear["diverged"]) == ([0, 1], [2])
    table = pd.read_csv(built[0] / "tables/regression_risk.csv")
    law = table[table["model"] == "linear_L1"].groupby("k")["one_step_optimum"].first()
    assert linear["laws"]["one_step_optimum"] == pytest.approx(law.tolist(), rel=1e-3)
    assert "gd_free" not in linear["laws"]
    assert "gd_free" in deep["laws"]


def test_addition_explorer_has_the_analyses(built, networks):
    seed = networks["modular_addition"][0]["seeds"][0]
    folder = built[0] / "analysis/modular_addition/softmax_L1/0"
    assert seed["steps"] == list(STEPS)
    spectra = pd.read_parquet(folder / "spectra.parquet")
    shares = np.frombuffer(base64.b64decode(seed["spectra"]["W_E"]["shares"]), "<u2") / 65535
    np.testing.assert_allclose(shares, spectra["share"], atol=1e-5)
    planes = pd.read_parquet(folder / "embedding_planes.parquet")
    assert list(map(int, seed["circles"])) == list(KEYS)
    for key, own in seed["circles"].items():
        points = np.frombuffer(base64.b64decode(own["points"]), "i1").reshape(len(STEPS), P, 2)
        part = planes[planes["frequency"] == int(key)].sort_values(["step", "number"])
        expected = part[["x", "y"]].to_numpy().reshape(len(STEPS), P, 2)
        np.testing.assert_allclose(
            points * np.reshape(own["units"], (-1, 1, 1)), expected, atol=5e-3
        )
    assert seed["history"]["norm_squared"] == [100, 90, 80, 70, 60]


def test_what_diverged_did_not_grok_or_is_absent_is_said(soup, networks):
    text = soup.find("main").text
    assert "linear, 1 layer: seed 2 diverged and is left out of its lines." in text
    assert "softmax, 1 layer: seed 1 had not grokked when its budget ended." in text
    assert "softmax, 1 layer: weight decay 0: seed 0 diverged." in text
    assert "Rank collapse" in soup.find("p", class_="absent", string=re.compile("Not in")).text
    diverged = networks["modular_addition"][1]["seeds"][0]
    assert diverged["steps"] == list(STEPS[:2])  # those with finite weights
    assert diverged["circles"] == {}


@pytest.mark.parametrize(
    ("task", "missing"), [("linear_regression", "Track B"), ("modular_addition", "Track A")]
)
def test_a_study_of_one_track(tmp_path, task, missing):
    study, runs = write_study(tmp_path, (task,))
    soup = BeautifulSoup(build(study, runs, tmp_path / "index.html"), "html.parser")
    assert f"This study has no {missing}." in soup.text
    assert [own["id"] for own in soup.find_all(class_="explorer")] == [f"{task}-explorer"]
    assert len(soup.find_all("figure", class_="plate")) == 1


def test_a_network_of_which_every_seed_diverged_has_no_lines(tmp_path):
    study, runs = write_study(tmp_path, ("linear_regression",))
    path = study / "tables/regression_risk.csv"
    pd.read_csv(path).assign(status="diverged").to_csv(path, index=False)
    page = BeautifulSoup(build(study, runs, tmp_path / "index.html"), "html.parser")
    network = json.loads(page.find(id="page-data").string)["networks"]["linear_regression"][0]
    assert (network["steps"], network["risk"], network["end"]["risk"]) == ([], [], [])
    assert "which leaves none" in page.text


def test_a_missing_picture_is_named(tmp_path):
    study, runs = write_study(tmp_path, ("linear_regression",))
    (study / "figures/attention_maps_regression.png").unlink()
    with pytest.raises(SystemExit, match="attention_maps_regression.png"):
        build(study, runs, tmp_path / "index.html")
    assert not (tmp_path / "index.html").exists()


def test_where_every_seed_diverged_the_page_says_so(tmp_path):
    study, runs = write_study(tmp_path)
    for name, missing in (
        ("regression_risk", {"status": "diverged", "risk": np.nan}),
        ("grokking", {"status": "diverged", "grokking_step": np.nan}),
        ("comparative_metrics", {"n_seeds": 0} | dict.fromkeys(["value", "ci_low"], np.nan)),
    ):
        path = study / f"tables/{name}.csv"
        pd.read_csv(path).assign(**missing).to_csv(path, index=False)
    for path in study.glob("runs/*/*/*/history.parquet"):
        history = pd.read_parquet(path)
        numbers = [name for name in history.select_dtypes("float") if name != "step"]
        history.assign(**dict.fromkeys(numbers, np.nan)).to_parquet(path)
    for path in study.glob("analysis/*/*/*/progress.parquet"):
        pd.read_parquet(path).assign(norm_squared=np.nan).to_parquet(path)
    soup = BeautifulSoup(build(study, runs, study / "page/index.html"), "html.parser")
    assert {cell.text.strip() for cell in soup.find("table").find_all(class_="value")} == {
        "no seed"
    }
    assert "linear, 1 layer: seeds 0, 1, 2 diverged and are left out of its lines" in soup.text
    assert "which leaves none" in soup.text
