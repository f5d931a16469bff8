"""The page as a reader has it: opened from disk in Chromium, moved by keys and pointer, on a phone.

Its answers are compared with PyTorch's and with the published tables.
"""

from pathlib import Path

import pandas as pd
import pytest
import torch
from browser import ANSWERED, CHROMIUM, text, type_in, visited
from markupsafe import Markup

from build_page import render
from mechanics.models import regression
from mechanics.models.prompts import Prompts
from mechanics.report.page.networks import page_data
from mechanics.report.page.pack import as_json
from mechanics.study.results import final_networks, model_for

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH"
)
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

    async def visit(tab):
        paints = "performance.getEntriesByName('first-contentful-paint')"
        await tab.until(f"{paints}.length > 0")  # the page may be loaded before it is painted
        assert await tab.value(f"{paints}[0].startTime") <= 2000  # milliseconds
        assert await tab.value(widths) == [1280, True]
        await tab.open(page, 390, 900)
        assert await tab.value(widths) == [390, True]

    visited(page, tmp_path, visit)


def test_all_sums_are_right_and_without_a_key_as_many_as_in_the_table(ask):
    table = pd.read_csv(PUBLISHED / "tables/embedding_ablation.csv")
    own = table.query("entry == 'softmax_L1' and seed == 0 and kind == 'one_removed'")
    by_frequency = own.set_index("frequency")["accuracy"]
    key = by_frequency.idxmin()

    async def visit(tab):
        await tab.until(ANSWERED)
        found = [await tab.value(text("add-right"))]
        box = f"document.querySelector('[data-frequency=\"{key}\"]')"
        await tab.value(f"{box}.focus()")
        await tab.press(" ", 32)
        await tab.until(f"!{box}.checked && state.off.length === 1 && {ANSWERED}")
        found.append(await tab.value(text("add-right")))
        assert await tab.value(text("break-right")) == found[-1]
        assert f"frequency {key}" in await tab.value(text("now-what"))
        await tab.value("document.querySelector('#now-back').click()")
        await tab.until(f"state.off.length === 0 && {ANSWERED}")
        return [*found, await tab.value(text("add-right"))]

    whole, without, again = ask(visit)
    n = 113**2
    assert whole == again == f"{n:,}"
    assert without == f"{round(by_frequency[key] * n):,}"


def test_a_sum_is_answered_at_once(ask):
    async def visit(tab):
        await type_in(tab, "add-a", "112")
        await type_in(tab, "add-b", "3")
        await tab.until("state.a === 112 && state.b === 3")
        assert await tab.value(text("add-answer")) == "2"
        await tab.until(ANSWERED)  # then nothing else is computed
        timed = "(() => { const t = performance.now(), a = (state.a + 7) % P; set({ a }); "
        timed += f"const said = Number({text('add-answer')}); "
        timed += "return said === (a + state.b) % P ? performance.now() - t : NaN; })()"
        return min([await tab.value(timed) for _ in range(9)])

    assert ask(visit) <= 50


def test_what_is_no_number_is_said_in_its_place(ask):
    async def visit(tab):
        for value in ("", "-1", "113", "x", "1.5"):
            await type_in(tab, "add-a", value)
            await tab.until("$('add-a').getAttribute('aria-invalid') === 'true'")
            await tab.value("announce('all')")  # a late answer does not say otherwise
            assert await tab.value(text("add-answer")) == "–", value
            said = await tab.value(text("add-why"))
            assert said == "Type a whole number from 0 to 112 for a.", value
            await type_in(tab, "add-a", "5")
            await tab.until(f"{text('add-answer')} !== '–'")

    ask(visit)


def test_a_dragged_point_moves_the_network_and_the_gradient_step_together(ask):
    async def visit(tab):
        names = ("layer", "gd", "ols")
        numbers = "[" + ", ".join(f"Number({text(f'prompt-{name}')})" for name in names) + "]"
        await tab.until(f"{text('prompt-layer')} !== '–'")
        before = await tab.value(numbers)
        x, y = await tab.middle("[data-point='0']")
        await tab.drag((x, y), (x + 120, y - 80))
        await tab.until("'0' in state.moved")
        await tab.press("ArrowUp", 38)
        await tab.value("new Promise((done) => setTimeout(done, 300))")
        return before, await tab.value(numbers), await tab.value("points()")

    before, after, points = ask(visit)
    assert after[0] != before[0]
    assert after[0] == pytest.approx(after[1], abs=0.02 * max(1, abs(after[0])))
    network = final_networks(PUBLISHED, "linear_regression", "linear_L1")[0].exact()
    x, y = torch.tensor(points, dtype=torch.float64).T
    query = torch.eye(1, network.settings["d"], dtype=torch.float64)  # 1 in the first dimension
    own = (x[:, None] * query, y, query, torch.zeros(1, dtype=torch.float64))
    prompts = Prompts(*(part[None, None] for part in own))
    expected = regression.forward(network.weights, prompts, network.architecture).item()
    assert after[0] == pytest.approx(expected, abs=6e-4)  # three decimals are shown


def test_a_softmax_layer_answers_as_a_kernel_smoother_of_its_own_sign(ask):
    async def visit(tab):
        await tab.until(f"{text('prompt-distances')}.startsWith('300 prompts')")
        softmax = "PROMPTS.networks.findIndex((n) => n.model === 'softmax_L1')"
        await tab.value(f"set({{ model: {softmax} }})")
        said = await tab.value(text("prompt-distances"))
        assert said.startswith("Asking")  # not of the last one
        await tab.until(f"{text('prompt-distances')}.startsWith('300 prompts')")
        side = await tab.value("networkOf(state.model).then((network) => network.side(D))")
        names = ("layer", "smoother")
        found = [float(await tab.value(text(f"prompt-{name}"))) for name in names]
        return side, found, await tab.value(text("prompt-distances"))

    side, (network, smoother), distances = ask(visit)
    heads = pd.read_csv(PUBLISHED / "tables/kernel_smoother.csv")
    omega = heads.query("model == 'softmax_L1' and seed == 0")["omega"].iloc[0]
    assert (side > 0) == (omega > 0)
    assert network == pytest.approx(smoother, abs=0.02)
    nearest = distances.partition("size: ")[2]
    assert nearest.startswith("kernel smoother")


def test_a_step_that_is_named_is_the_one_that_is_shown(ask):
    async def visit(tab):
        await tab.value("set({ run: 1 })")
        named = await tab.value("ADD.runs[1].first_reached")
        await tab.value(f"document.querySelector('#learn-notes [data-step=\"{named}\"]').click()")
        await tab.until(f"{text('learn-at')} === '{named}'")
        return await tab.value(f"parseFloat({text('learn-accuracy')})")

    assert ask(visit) >= 99
