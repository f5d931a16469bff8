"""The page as a reader has it: opened from disk in Chromium, moved by keys and pointer, on a phone.

Its answers are compared with PyTorch's and with the published tables.
"""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from browser import CHROMIUM, text, type_in, visited
from markupsafe import Markup
from small_study import KEYS, P, build, write_study

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
FIRST_VIEW = 2000  # milliseconds
ANSWERED = "all !== null"
WIDTHS = "document.documentElement.scrollWidth, document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    """That of the published study, without its figures."""
    model = model_for(PUBLISHED, "clock")[1]
    found = (
        sorted(PUBLISHED.glob(f"runs/modular_addition/{m}/*")) for m in (model, f"{model}_held")
    )
    data = page_data(PUBLISHED, [runs[0] for runs in found])
    content = data | {"study": "published", "data": Markup(as_json(data))}
    path = tmp_path_factory.mktemp("published") / "index.html"
    path.write_text(render("index.html.j2", content))
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    study, runs = write_study(tmp_path_factory.mktemp("page"))
    build(study, runs)
    return study / "page/index.html"


def test_first_view_is_soon_and_nothing_is_wider_than_the_window(page, tmp_path):
    async def visit(tab):
        paints = "performance.getEntriesByName('first-contentful-paint')"
        await tab.until(f"{paints}.length > 0")  # the page may be loaded before it is painted
        first = await tab.value(f"{paints}[0].startTime")
        wide = await tab.value(f"[{WIDTHS}]")
        await tab.open(page, 390, 900)
        return first, wide, await tab.value(f"[{WIDTHS}]")

    first, (scrolled, shown), (scrolled_on_phone, shown_on_phone) = visited(page, tmp_path, visit)
    assert first <= FIRST_VIEW
    assert (shown, shown_on_phone) == (1280, 390)
    assert scrolled <= 1280 and scrolled_on_phone <= 390


def test_all_sums_are_right_and_without_a_key_as_many_as_in_the_table(page, tmp_path):
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
        await tab.until(f"!{box}.checked && state.off.length === 1")
        await tab.until(ANSWERED)
        found.append(await tab.value(text("add-right")))
        assert await tab.value(text("break-right")) == found[-1]
        assert f"frequency {key}" in await tab.value(text("now-what"))
        await tab.value("document.querySelector('#now-back').click()")
        await tab.until(f"state.off.length === 0 && {ANSWERED}")
        return [*found, await tab.value(text("add-right"))]

    whole, without, again = visited(page, tmp_path, visit)
    n = 113**2
    assert whole == again == f"{n:,}"
    assert without == f"{round(by_frequency[key] * n):,}"


def test_a_sum_is_answered_at_once(page, tmp_path):
    async def visit(tab):
        await tab.value("document.querySelector('#add-a').focus()")
        await type_in(tab, "add-a", "112")
        await type_in(tab, "add-b", "3")
        await tab.until("state.a === 112 && state.b === 3")
        assert await tab.value(text("add-answer")) == "2"
        await tab.until(ANSWERED)  # then nothing else is computed
        timed = "(() => { const t = performance.now(), a = (state.a + 7) % P; set({ a }); "
        timed += f"const said = Number({text('add-answer')}); "
        timed += "return said === (a + state.b) % P ? performance.now() - t : NaN; })()"
        return min([await tab.value(timed) for _ in range(9)])

    assert visited(page, tmp_path, visit) <= 50


def test_what_is_no_number_is_said_in_its_place(page, tmp_path):
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

    visited(page, tmp_path, visit)


def test_a_dragged_point_moves_the_network_and_the_gradient_step_together(page, tmp_path):
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

    before, after, points = visited(page, tmp_path, visit)
    assert after[0] != before[0]
    assert after[0] == pytest.approx(after[1], abs=0.02 * max(1, abs(after[0])))
    network = final_networks(PUBLISHED, "linear_regression", "linear_L1")[0].exact()
    d = network.settings["d"]
    x = torch.zeros(1, 1, len(points), d, dtype=torch.float64)
    x[0, 0, :, 0] = torch.tensor([point[0] for point in points])
    y = torch.tensor([[[point[1] for point in points]]], dtype=torch.float64)
    query = torch.zeros(1, 1, 1, d, dtype=torch.float64)
    query[..., 0] = 1
    prompts = Prompts(x, y, query, torch.zeros(1, 1, 1, dtype=torch.float64))
    expected = regression.forward(network.weights, prompts, network.architecture).item()
    assert after[0] == pytest.approx(expected, abs=6e-4)  # three decimals are shown


def test_a_softmax_layer_answers_as_a_kernel_smoother_of_its_own_sign(page, tmp_path):
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

    side, (network, smoother), distances = visited(page, tmp_path, visit)
    heads = pd.read_csv(PUBLISHED / "tables/kernel_smoother.csv")
    omega = heads.query("model == 'softmax_L1' and seed == 0")["omega"].iloc[0]
    assert (side > 0) == (omega > 0)
    assert network == pytest.approx(smoother, abs=0.02)
    nearest = distances.partition("size: ")[2]
    assert nearest.startswith("kernel smoother")


def test_answers_to_prompts_that_are_gone_are_not_shown(small, tmp_path):
    async def visit(tab):
        ask = """(async () => {
          const old = drawScatter();
          await new Promise((done) => setTimeout(done));
          set({ draw: state.draw + 1 });
          await old;
          return $("prompt-distances").textContent;
        })()"""
        return await tab.value(ask)

    assert visited(small, tmp_path, visit).startswith("Asking")


def test_the_step_is_moved_by_keys_and_by_a_click_on_the_curve(small, tmp_path):
    async def visit(tab):
        await tab.value("$('learn-step').focus()")
        found = []
        for key, code in (("Home", 36), ("End", 35), ("ArrowLeft", 37)):
            await tab.press(key, code)
            await tab.value("new Promise((done) => setTimeout(done, 100))")
            found.append(await tab.value(text("learn-accuracy")))
        x, y = await tab.middle("#learn-chart")
        await tab.drag((x, y), (x, y))
        await tab.until("state.step < 4")
        await tab.value("document.querySelector('[name=run][value=\"1\"]').click()")
        await tab.until("!$('learn-missing').hidden")
        return found, await tab.value(text("learn-missing"))

    accuracies, missing = visited(small, tmp_path, visit)
    assert accuracies == ["0.0 %", "100.0 %", "75.0 %"]
    assert missing.startswith("Of this training only the curves were kept")


def test_a_step_that_is_named_is_the_one_that_is_shown(page, tmp_path):
    async def visit(tab):
        await tab.value("set({ run: 1 })")
        named = await tab.value("ADD.runs[1].first_reached")
        await tab.value(f"document.querySelector('#learn-notes [data-step=\"{named}\"]').click()")
        await tab.until(f"{text('learn-at')} === '{named}'")
        return await tab.value(f"parseFloat({text('learn-accuracy')})")

    assert visited(page, tmp_path, visit) >= 99


def test_every_head_and_the_network_of_part_2_are_drawn(small, tmp_path):
    async def visit(tab):
        dots = "document.querySelectorAll('#late-arms .dot').length"
        room = "$('inside-attention').viewBox.baseVal.height - 23 * net.heads"
        await tab.until("net !== null && $('inside-attention').childElementCount > 0")
        return await tab.value(f"[{dots}, {room}]")

    assert visited(small, tmp_path, visit) == [2, 4]  # the other one was held


def test_every_control_can_be_used(small, tmp_path):
    async def visit(tab):
        await tab.until(ANSWERED)
        nudge = """(async () => {
          const pause = () => new Promise((done) => setTimeout(done, 60));
          for (const own of [...document.querySelectorAll("input, select, button")]) {
            if (own.disabled || own.closest("[hidden]")) continue;
            own.focus();
            if (own.matches("select")) {
              own.selectedIndex = own.options.length - 1;
              own.dispatchEvent(new Event("change"));
            } else if (own.type === "range") {
              own.value = own.max;
              own.dispatchEvent(new Event("input"));
            } else own.click();
            await pause();
          }
        })()"""
        await tab.value(nudge)
        await tab.until(ANSWERED)
        return await tab.value("$('broken').hidden")

    assert visited(small, tmp_path, visit)


def test_without_any_frequency_it_is_said(small, tmp_path):
    async def visit(tab):
        boxes = "document.querySelectorAll('[data-frequency]')"
        await tab.value(f"{boxes}.forEach((own) => own.click())")
        await tab.until(f"!$('break-note').hidden && {ANSWERED}")
        right = await tab.value(text("add-right"))
        return right, await tab.value(text("break-note"))

    right, note = visited(small, tmp_path, visit)
    assert right == str(P)  # one answer to all sums is right for p of them
    assert note.startswith("All frequencies are off")


def test_a_link_keeps_what_was_chosen(small, tmp_path):
    async def visit(tab):
        await tab.value(f"set({{ a: 3, off: [{KEYS[0]}], step: 2, moved: {{ 1: [0.5, 2] }} }})")
        await tab.until("location.hash.includes('moved')")
        kept = await tab.value("JSON.stringify(state)")
        await tab.value("delete document.documentElement.dataset.drawn; location.reload()")
        await tab.until("document.documentElement?.dataset.drawn === 'yes'")
        assert await tab.value("JSON.stringify(state)") == kept
        odd = "{ a: 99, off: [0, 2.5, 3], place: 'x', step: 1e9, moved: { 0: 'x' }, k: 'many' }"
        sounded = await tab.value(f"JSON.stringify(sound({odd}))")
        return json.loads(sounded)

    sounded = visited(small, tmp_path, visit)
    assert (sounded["a"], sounded["off"], sounded["place"]) == (P - 1, [3], "embedding")
    assert (sounded["step"], sounded["moved"], sounded["k"]) == (4, {}, 8)


NO_WORKER = "window.Worker = class { constructor() { throw new Error('none here'); } };"
LOST_WORKER = "window.Worker = class { postMessage() { setTimeout(() => this.onerror()); } };"
NO_ADDRESS = "history.replaceState = () => { throw new Error('not allowed'); };"


@pytest.mark.parametrize("worker", [NO_WORKER, LOST_WORKER])
def test_a_browser_without_workers_and_without_addresses_is_enough(small, tmp_path, worker):
    async def visit(tab):
        await tab.until(ANSWERED)
        assert await tab.value("engine.worker === null")
        await tab.value("set({ a: 1 })")
        await tab.until("!$('address-note').hidden")

    visited(small, tmp_path, visit, before=worker + NO_ADDRESS)


def test_an_old_browser_is_told(small, tmp_path):
    async def visit(tab):
        return await tab.value("getComputedStyle(document.querySelector('.old-note')).display")

    assert visited(small, tmp_path, visit, before="delete window.DecompressionStream;") == "block"


def test_a_dark_screen_prints_dark_on_white_and_nothing_glides_for_who_asks(small, tmp_path):
    wanted = {"prefers-color-scheme": "dark", "prefers-reduced-motion": "reduce"}
    features = [{"name": name, "value": value} for name, value in wanted.items()]
    style = "getComputedStyle(document.documentElement)"

    async def visit(tab):
        for width in (1280, 390):
            await tab.open(small, width, 900)
            found = []
            for media in ("screen", "print"):
                await tab.call("Emulation.setEmulatedMedia", media=media, features=features)
                found.append(await tab.value(f"{style}.getPropertyValue('--bg').trim()"))
            assert found == ["#141518", "#ffffff"]
            assert await tab.value(f"{style}.scrollBehavior") == "auto"
            assert await tab.value("document.documentElement.scrollWidth") <= width

    visited(small, tmp_path, visit)
