"""The page as a reader has it: opened from disk in Chromium, moved by keys and pointer, on a phone.

Its answers are compared with PyTorch's and with the published tables.
"""

from pathlib import Path

import pandas as pd
import pytest
import torch
from browser import ANSWERED, shown, text, type_in
from markupsafe import Markup

from build_page import render
from mechanics.models import regression
from mechanics.models.prompts import Prompts
from mechanics.report.page.networks import page_data
from mechanics.report.page.pack import as_json
from mechanics.study.results import final_networks, model_for

PUBLISHED = Path(__file__).parents[3] / "results/published"


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    """That of the published study, without its figures."""
    model = model_for(PUBLISHED, "clock")[1]
    folders = (PUBLISHED / "runs/modular_addition" / name for name in (model, f"{model}_held"))
    data = page_data(PUBLISHED, [min(folder.iterdir()) for folder in folders])
    content = data | {"study": "published", "data": Markup(as_json(data))}
    path = tmp_path_factory.mktemp("published") / "index.html"
    path.write_text(render("index.html.j2", content))
    return path


def test_first_view_is_soon_and_nothing_is_wider_than_the_window(page, tmp_path):
    widths = "(({ clientWidth: shown, scrollWidth }) => [shown, scrollWidth <= shown])"
    widths += "(document.documentElement)"
    paints = "performance.getEntriesByName('first-contentful-paint')"
    with shown(page, tmp_path) as tab:
        tab.until(f"{paints}.length > 0")  # the page may be loaded before it is painted
        assert tab.value(f"{paints}[0].startTime") <= 2000  # milliseconds
        assert tab.value(widths) == [1280, True]
        tab.open(page, 390, 900)
        assert tab.value(widths) == [390, True]


def test_all_sums_are_right_and_without_a_key_as_many_as_in_the_table(tab):
    table = pd.read_csv(PUBLISHED / "tables/embedding_ablation.csv")
    own = table.query("entry == 'softmax_L1' and seed == 0 and kind == 'one_removed'")
    by_frequency, n = own.set_index("frequency")["accuracy"], 113**2
    key = by_frequency.idxmin()
    tab.until(ANSWERED)
    assert tab.value(text("add-right")) == f"{n:,}"
    box = f"document.querySelector('[data-frequency=\"{key}\"]')"
    tab.value(f"{box}.focus()")
    tab.press(" ", 32)
    tab.until(f"!{box}.checked && state.off.length === 1 && {ANSWERED}")
    right = f"{round(by_frequency[key] * n):,}"
    assert tab.value(text("add-right")) == tab.value(text("break-right")) == right
    assert f"frequency {key}" in tab.value(text("now-what"))
    tab.value("document.querySelector('#now-back').click()")
    tab.until(f"state.off.length === 0 && {ANSWERED}")
    assert tab.value(text("add-right")) == f"{n:,}"


def test_a_sum_is_answered_at_once(tab):
    type_in(tab, "add-a", "112")
    type_in(tab, "add-b", "3")
    tab.until("state.a === 112 && state.b === 3")
    assert tab.value(text("add-answer")) == "2"
    tab.until(ANSWERED)  # then nothing else is computed
    timed = "(() => { const t = performance.now(), a = (state.a + 7) % P; set({ a }); "
    timed += f"const said = Number({text('add-answer')}); "
    timed += "return said === (a + state.b) % P ? performance.now() - t : NaN; })()"
    assert min(tab.value(timed) for _ in range(9)) <= 50


def test_what_is_no_number_is_said_in_its_place(tab):
    for value in ("", "-1", "113", "x", "1.5"):
        type_in(tab, "add-a", value)
        tab.until("$('add-a').getAttribute('aria-invalid') === 'true'")
        tab.value("announce('all')")  # a late answer does not say otherwise
        assert tab.value(text("add-answer")) == "–", value
        said = tab.value(text("add-why"))
        assert said == "Type a whole number from 0 to 112 for a.", value
        type_in(tab, "add-a", "5")
        tab.until(f"{text('add-answer')} !== '–'")


def test_a_dragged_point_moves_the_network_and_the_gradient_step_together(tab):
    tab.until(f"{text('prompt-layer')} !== '–'")
    before = tab.value(text("prompt-layer"))
    x, y = tab.middle("[data-point='0']")
    tab.drag((x, y), (x + 120, y - 80))
    tab.until("'0' in state.moved")
    tab.press("ArrowUp", 38)
    tab.value("new Promise((done) => setTimeout(done, 300))")
    layer, step = (float(tab.value(text(f"prompt-{name}"))) for name in ("layer", "gd"))
    assert layer != float(before)
    assert layer == pytest.approx(step, abs=0.02 * max(1, abs(layer)))
    network = final_networks(PUBLISHED, "linear_regression", "linear_L1")[0].exact()
    x, y = torch.tensor(tab.value("points()"), dtype=torch.float64).T
    query = torch.eye(1, network.settings["d"], dtype=torch.float64)  # 1 in the first dimension
    own = (x[:, None] * query, y, query, torch.zeros(1, dtype=torch.float64))
    prompts = Prompts(*(part[None, None] for part in own))
    expected = regression.forward(network.weights, prompts, network.architecture).item()
    assert layer == pytest.approx(expected, abs=6e-4)  # three decimals are shown


def test_a_softmax_layer_answers_as_a_kernel_smoother_of_its_own_sign(tab):
    tab.until(f"{text('prompt-distances')}.startsWith('300 prompts')")
    softmax = "PROMPTS.networks.findIndex((n) => n.model === 'softmax_L1')"
    tab.value(f"set({{ model: {softmax} }})")
    assert tab.value(text("prompt-distances")).startswith("Asking")  # not of the last one
    tab.until(f"{text('prompt-distances')}.startsWith('300 prompts')")
    side = tab.value("networkOf(state.model).then((network) => network.side(D))")
    heads = pd.read_csv(PUBLISHED / "tables/kernel_smoother.csv")
    omega = heads.query("model == 'softmax_L1' and seed == 0")["omega"].iloc[0]
    assert (side > 0) == (omega > 0)
    network, smoother = (float(tab.value(text(f"prompt-{name}"))) for name in ("layer", "smoother"))
    assert network == pytest.approx(smoother, abs=0.02)
    nearest = tab.value(text("prompt-distances")).partition("size: ")[2]
    assert nearest.startswith("kernel smoother")


def test_a_step_that_is_named_is_the_one_that_is_shown(tab):
    tab.value("set({ run: 1 })")
    named = tab.value("ADD.runs[1].first_reached")
    tab.value(f"document.querySelector('#learn-notes [data-step=\"{named}\"]').click()")
    tab.until(f"{text('learn-at')} === '{named}'")
    assert tab.value(f"parseFloat({text('learn-accuracy')})") >= 99
