"""The page of a small study in Chromium: every control, links, and browsers that lack something."""

import json
from pathlib import Path

import pytest
from browser import ANSWERED, CHROMIUM, text, visited
from small_study import KEYS, P, build, write_study

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    study, runs = write_study(tmp_path_factory.mktemp("page"))
    build(study, runs)
    return study / "page/index.html"


def test_answers_to_prompts_that_are_gone_are_not_shown(ask):
    async def visit(tab):
        ask = """(async () => {
          const old = drawScatter();
          await new Promise((done) => setTimeout(done));
          set({ draw: state.draw + 1 });
          await old;
          return $("prompt-distances").textContent;
        })()"""
        return await tab.value(ask)

    assert ask(visit).startswith("Asking")


def test_the_step_is_moved_by_keys_and_by_a_click_on_the_curve(ask):
    async def visit(tab):
        await tab.value("$('learn-step').focus()")
        found = []
        for key, code in (("Home", 36), ("End", 35), ("ArrowLeft", 37)):
            await tab.press(key, code)
            await tab.value("new Promise((done) => setTimeout(done, 100))")
            found.append(await tab.value(text("learn-accuracy")))
        x, y = await tab.middle("#learn-chart")
        await tab.drag((x, y), (x, y))
        await tab.until("state.step === 2")
        await tab.value("document.querySelector('[name=run][value=\"1\"]').click()")
        await tab.until("!$('learn-missing').hidden")
        return found, await tab.value(text("learn-missing"))

    accuracies, missing = ask(visit)
    assert accuracies == ["0.0 %", "100.0 %", "75.0 %"]
    assert missing.startswith("Of this training only the curves were kept")


def test_every_head_and_the_network_of_part_2_are_drawn(ask):
    async def visit(tab):
        dots = "document.querySelectorAll('#late-arms .dot').length"
        room = "$('inside-attention').viewBox.baseVal.height - 23 * net.heads"
        await tab.until("net !== null && $('inside-attention').childElementCount > 0")
        return await tab.value(f"[{dots}, {room}]")

    assert ask(visit) == [2, 4]  # the other one was held


def test_every_control_can_be_used(page, tmp_path):
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

    assert visited(page, tmp_path, visit)


def test_without_any_frequency_it_is_said(ask):
    async def visit(tab):
        boxes = "document.querySelectorAll('[data-frequency]')"
        await tab.value(f"{boxes}.forEach((own) => own.click())")
        await tab.until(f"!$('break-note').hidden && {ANSWERED}")
        right = await tab.value(text("add-right"))
        return right, await tab.value(text("break-note"))

    right, note = ask(visit)
    assert right == str(P)  # one answer to all sums is right for p of them
    assert note.startswith("All frequencies are off")


def test_a_link_keeps_what_was_chosen(ask):
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

    sounded = ask(visit)
    assert (sounded["a"], sounded["off"], sounded["place"]) == (P - 1, [3], "embedding")
    assert (sounded["step"], sounded["moved"], sounded["k"]) == (4, {}, 8)


NO_WORKER = "window.Worker = class { constructor() { throw new Error('none here'); } };"
LOST_WORKER = "window.Worker = class { postMessage() { setTimeout(() => this.onerror()); } };"
NO_ADDRESS = "history.replaceState = () => { throw new Error('not allowed'); };"


@pytest.mark.parametrize("worker", [NO_WORKER, LOST_WORKER])
def test_a_browser_without_workers_and_without_addresses_is_enough(page, tmp_path, worker):
    async def visit(tab):
        await tab.until(ANSWERED)
        assert await tab.value("engine.worker === null")
        await tab.value("set({ a: 1 })")
        await tab.until("!$('address-note').hidden")

    visited(page, tmp_path, visit, before=worker + NO_ADDRESS)


def test_an_old_browser_is_told(page, tmp_path):
    async def visit(tab):
        return await tab.value("getComputedStyle(document.querySelector('.old-note')).display")

    assert visited(page, tmp_path, visit, before="delete window.DecompressionStream;") == "block"


def test_a_dark_screen_prints_dark_on_white_and_nothing_glides_for_who_asks(page, tmp_path):
    wanted = {"prefers-color-scheme": "dark", "prefers-reduced-motion": "reduce"}
    features = [{"name": name, "value": value} for name, value in wanted.items()]
    style = "getComputedStyle(document.documentElement)"

    async def visit(tab):
        for width in (1280, 390):
            await tab.open(page, width, 900)
            found = []
            for media in ("screen", "print"):
                await tab.call("Emulation.setEmulatedMedia", media=media, features=features)
                found.append(await tab.value(f"{style}.getPropertyValue('--bg').trim()"))
            assert found == ["#141518", "#ffffff"]
            assert await tab.value(f"{style}.scrollBehavior") == "auto"
            assert await tab.value("document.documentElement.scrollWidth") <= width

    visited(page, tmp_path, visit)
