"""The page of a small study in Chromium: every control, links, and browsers that lack something."""

import json
from pathlib import Path

import pytest
from browser import ANSWERED, shown, text
from small_study import KEYS, P, build, write_study


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    study, runs = write_study(tmp_path_factory.mktemp("page"))
    build(study, runs)
    return study / "page/index.html"


def test_answers_to_prompts_that_are_gone_are_not_shown(tab):
    said = tab.value("""(async () => {
      const old = drawScatter();
      await new Promise((done) => setTimeout(done));
      set({ draw: state.draw + 1 });
      await old;
      return $("prompt-distances").textContent;
    })()""")
    assert said.startswith("Asking")


def test_the_step_is_moved_by_keys_and_by_a_click_on_the_curve(tab):
    tab.value("$('learn-step').focus()")
    for key, code, accuracy in (("Home", 36, 0), ("End", 35, 100), ("ArrowLeft", 37, 75)):
        tab.press(key, code)
        tab.value("new Promise((done) => setTimeout(done, 100))")
        assert tab.value(text("learn-accuracy")) == f"{accuracy}.0 %"
    place = tab.middle("#learn-chart")
    tab.drag(place, place)
    tab.until("state.step === 2")
    tab.value("document.querySelector('[name=run][value=\"1\"]').click()")
    tab.until("!$('learn-missing').hidden")
    missing = tab.value(text("learn-missing"))
    assert missing.startswith("Of this training only the curves were kept")


def test_every_head_and_the_network_of_part_2_are_drawn(tab):
    tab.until("net !== null && $('inside-attention').childElementCount > 0")
    assert tab.value("$('inside-attention').viewBox.baseVal.height - 23 * net.heads") == 4
    dots = "document.querySelectorAll('#late-arms .dot').length"
    assert tab.value(dots) == 2  # the other one was held


def test_every_control_can_be_used(page, tmp_path):
    with shown(page, tmp_path) as tab:
        tab.until(ANSWERED)
        tab.value("""(async () => {
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
        })()""")
        tab.until(ANSWERED)
        assert tab.value("$('broken').hidden")


def test_without_any_frequency_it_is_said(tab):
    boxes = "document.querySelectorAll('[data-frequency]')"
    tab.value(f"{boxes}.forEach((own) => own.click())")
    tab.until(f"!$('break-note').hidden && {ANSWERED}")
    assert tab.value(text("add-right")) == str(P)  # one answer to all sums is right for p of them
    assert tab.value(text("break-note")).startswith("All frequencies are off")


def test_a_link_keeps_what_was_chosen(tab):
    tab.value(f"set({{ a: 3, off: [{KEYS[0]}], step: 2, moved: {{ 1: [0.5, 2] }} }})")
    tab.until("location.hash.includes('moved')")
    kept = tab.value("JSON.stringify(state)")
    tab.value("delete document.documentElement.dataset.drawn; location.reload()")
    tab.until("document.documentElement?.dataset.drawn === 'yes'")
    assert tab.value("JSON.stringify(state)") == kept
    odd = "{ a: 99, off: [0, 2.5, 3], place: 'x', step: 1e9, moved: { 0: 'x' }, k: 'many' }"
    sounded = json.loads(tab.value(f"JSON.stringify(sound({odd}))"))
    assert (sounded["a"], sounded["off"], sounded["place"]) == (P - 1, [3], "embedding")
    assert (sounded["step"], sounded["moved"], sounded["k"]) == (4, {}, 8)


NO_WORKER = "window.Worker = class { constructor() { throw new Error('none here'); } };"
LOST_WORKER = "window.Worker = class { postMessage() { setTimeout(() => this.onerror()); } };"
NO_ADDRESS = "history.replaceState = () => { throw new Error('not allowed'); };"


@pytest.mark.parametrize("worker", [NO_WORKER, LOST_WORKER])
def test_a_browser_without_workers_and_without_addresses_is_enough(page, tmp_path, worker):
    with shown(page, tmp_path, before=worker + NO_ADDRESS) as tab:
        tab.until(ANSWERED)
        assert tab.value("engine.worker === null")
        tab.value("set({ a: 1 })")
        tab.until("!$('address-note').hidden")


def test_an_old_browser_is_told(page, tmp_path):
    with shown(page, tmp_path, before="delete window.DecompressionStream;") as tab:
        note = "document.querySelector('.old-note')"
        assert tab.value(f"getComputedStyle({note}).display") == "block"


def test_a_dark_screen_prints_dark_on_white_and_nothing_glides_for_who_asks(page, tmp_path):
    wanted = {"prefers-color-scheme": "dark", "prefers-reduced-motion": "reduce"}
    features = [{"name": name, "value": value} for name, value in wanted.items()]
    style = "getComputedStyle(document.documentElement)"
    with shown(page, tmp_path) as tab:
        for width in (1280, 390):
            tab.open(page, width, 900)
            for media, ground in (("screen", "#141518"), ("print", "#ffffff")):
                tab.call("Emulation.setEmulatedMedia", media=media, features=features)
                assert tab.value(f"{style}.getPropertyValue('--bg').trim()") == ground
            assert tab.value(f"{style}.scrollBehavior") == "auto"
            assert tab.value("document.documentElement.scrollWidth") <= width
