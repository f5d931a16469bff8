"""Both pages: whole, alone, without a dead link, and with what the study's files say."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from small_study import KEYS, STEPS, P, build, read_bytes, write_study

from mechanics.tables.columns import column


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The study's folder, its runs, and its pages."""
    study, runs = write_study(tmp_path_factory.mktemp("page"))
    return study, runs, build(study, runs, ("rank_collapse",))


@pytest.fixture(scope="module")
def soup(built):
    return BeautifulSoup(built[2]["index.html"], "html.parser")


def data_of(page: str) -> dict:
    return json.loads(BeautifulSoup(page, "html.parser").find(id="study-data").string)


def test_the_page_asks_for_no_other_file(soup):
    addresses = {tag[key] for key in ("src", "href") for tag in soup.find_all(**{key: True})}
    others = {address for address in addresses if not address.startswith("#")}
    assert others == {"data:,", "evidence.html"}
    styles = "".join(style.string for style in soup.find_all("style"))
    assert not re.search(r"url\(|@import", styles)
    scripts = "".join(script.string for script in soup.find_all("script"))
    assert not re.search(r"https?:|import\(|fetch\(", scripts)


def test_no_link_is_dead(built):
    study, _, pages = built
    for name, page in pages.items():
        found = BeautifulSoup(page, "html.parser")
        for tag in found.find_all(["a", "img"]):
            address = tag.get("href") or tag.get("src")
            if address.startswith("#"):
                assert found.find(id=address[1:]), f"{name}: {address}"
            else:
                assert (study / "page" / address).exists(), f"{name}: {address}"


def test_the_ids_that_others_rely_on_are_there(built, soup):
    fixed = ("add-a", "add-b", "add-answer", "add-right", "learn-step", "learn-accuracy")
    fixed += ("prompt-canvas", "prompt-layer", "prompt-gd", "prompt-ols")
    assert all(soup.find(id=name) for name in fixed)
    named = re.findall(r"""(?<=[^\w])\$\("([\w-]+)"\)""", built[2]["index.html"])
    optional = "deep-key deep-circle deep-spectrum late-dose late-arms late-legend prompt-test"
    optional += " deep-where deep-layer deep-at deep-shares deep-sum deep-exchange"
    assert {name for name in named if not soup.find(id=name)} <= {*optional.split()}


def test_built_twice_it_is_the_same(built):
    study, runs, pages = built
    assert build(study, runs, ("rank_collapse",)) == pages


def test_the_training_is_that_of_the_files(built):
    study, _, pages = built
    own = data_of(pages["index.html"])["addition"]
    free, held = own["runs"]
    assert free["steps"] == list(STEPS)
    analysis = study / "analysis/modular_addition/softmax_L1/0"
    spectra = pd.read_parquet(analysis / "spectra.parquet")
    found = read_bytes(free["spectra"], "<u2") / 65535
    np.testing.assert_allclose(found, spectra["share"], atol=1e-5)
    planes = pd.read_parquet(analysis / "embedding_planes.parquet")
    assert list(map(int, free["planes"])) == list(KEYS)
    part = planes[planes["frequency"] == KEYS[0]].sort_values(["step", "number"])
    plane = free["planes"][str(KEYS[0])]
    points = read_bytes(plane["points"], "i1").reshape(len(STEPS), P, 2)
    expected = part[["x", "y"]].to_numpy().reshape(points.shape)
    np.testing.assert_allclose(points * np.reshape(plane["units"], (-1, 1, 1)), expected, atol=5e-3)
    assert free["history"]["norm_squared"] == [100, 90, 80, 70, 60]
    assert [snapshot["step"] for snapshot in free["snapshots"]] == [0, 10, STEPS[-1]]
    assert (held["held"], held["steps"], held["snapshots"]) == (True, [], [])
    trained = np.unpackbits(read_bytes(own["trained"], "u1"), bitorder="little")[: P * P]
    assert (trained.reshape(P, P)[::3] == 1).all()
    assert trained.sum() == 5 * P


def test_what_a_study_lacks_is_said_in_its_place(soup, tmp_path):
    study, runs = write_study(tmp_path)
    (study / "tables/norm_dose.csv").unlink()
    without = BeautifulSoup(build(study, runs)["index.html"], "html.parser")
    assert "no <code>tables/norm_dose.csv</code>" in str(without.find(id="part-6"))
    assert "This study has no deeper network that adds." in soup.find(id="part-7").text


def test_the_second_page_has_the_table_and_the_figures(built):
    study, _, pages = built
    soup = BeautifulSoup(pages["evidence.html"], "html.parser")
    table = pd.read_csv(study / "tables/comparative_metrics.csv")
    values = [float(cell.text) for cell in soup.find("table").find_all(class_="value")]
    assert values == table.drop_duplicates(["task", "metric"])["value"].tolist()
    assert "nearest to <one step>" in soup.find("table").text  # escaped, not a tag
    heads = {head.text: head["title"] for head in soup.find("table").thead.find_all("th")}
    assert len(heads) == 8 and heads["Beside it"] == column("reference").meaning
    plate = soup.find(id="attention_maps_regression")
    title = "Attention maps, and softmax attention as a kernel smoother"
    assert plate.img["alt"].startswith(f"{title}, Track A.")
    assert "W_QK" in plate.figcaption.text
    assert "Rank collapse" in soup.find(string=re.compile("Not in this study"))


@pytest.mark.parametrize(
    ("task", "missing"), [("linear_regression", "Track B"), ("modular_addition", "Track A")]
)
def test_a_study_of_one_track_without_its_runs(tmp_path, task, missing):
    study, _ = write_study(tmp_path, (task,))
    pages = build(study, [])
    assert f"This study has no {missing}" in BeautifulSoup(pages["index.html"], "html.parser").text
    assert f"This study has no {missing}." in pages["evidence.html"]
    data = data_of(pages["index.html"])
    if task == "linear_regression":
        assert data["addition"] is None and data["prompts"] is not None
    else:
        assert (data["addition"]["model"], data["addition"]["runs"]) == ("softmax_L1", [])
        assert data["prompts"] is None


def test_a_missing_picture_is_named(tmp_path):
    study, runs = write_study(tmp_path, ("linear_regression",))
    (study / "figures/attention_maps_regression.png").unlink()
    with pytest.raises(SystemExit, match="attention_maps_regression.png"):
        build(study, runs)
    assert not (study / "page/index.html").exists()
