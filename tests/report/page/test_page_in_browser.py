"""The page as a reader has it: opened from disk in Chromium, moved by keyboard, on a phone."""

import re
import shutil
from pathlib import Path

import pytest
from browser import CHROMIUM, browse
from small_study import STEPS, build, write_study

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on the PATH"
)
PUBLISHED = Path(__file__).parents[3] / "results/published"
FIRST_VIEW = 2000  # milliseconds
CIRCLE = "document.querySelector('[data-chart=circle] svg').outerHTML"
RISKS = "document.querySelector('[data-chart=risk_by_context] svg').outerHTML"


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    study, runs = write_study(tmp_path_factory.mktemp("page"))
    build(study, runs, study / "page/index.html")
    return study / "page/index.html"


def visited(page: Path, profile: Path, visit, width: int = 1280, height: int = 900):
    """Open the page, await ``visit(tab)``; nothing may complain or ask for another address."""

    async def whole(tab):
        await tab.open(page, width, height)
        result = await visit(tab)
        assert tab.complaints == []
        asked = [url for url in tab.requests if not url.startswith("data:")]
        assert asked == [page.resolve().as_uri()]
        return result

    return browse(whole, profile)


def test_first_view_is_soon(page, tmp_path):
    async def visit(tab):
        paints = "performance.getEntriesByName('first-contentful-paint')"
        await tab.until(f"{paints}.length > 0")  # the page may be loaded before it is painted
        return await tab.value(f"{paints}[0].startTime")

    assert visited(page, tmp_path, visit) <= FIRST_VIEW


def test_the_keyboard_moves_both_explorers(page, tmp_path):
    async def visit(tab):
        for slider, picture in (("step-a", RISKS), ("step-b", CIRCLE)):
            button = f"document.getElementById('{slider}').previousElementSibling"
            await tab.value(f"{button}.focus()")
            await tab.press("Tab", 9)
            assert await tab.value("document.activeElement.id") == slider
            outline = await tab.value("getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid"
            before, seen = await tab.value(picture), await tab.screenshot()
            await tab.press("ArrowLeft", 37)
            words = f"document.getElementById('{slider}').getAttribute('aria-valuetext')"
            await tab.until(f"{words} === 'step {STEPS[-2]}'")
            await tab.value("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
            assert await tab.value(picture) != before
            assert await tab.screenshot() != seen

    visited(page, tmp_path, visit)


def test_accuracy_and_cursor_are_those_of_the_step(page, tmp_path):
    async def visit(tab):
        await tab.value("document.getElementById('step-b').focus()")
        await tab.press("Home", 36)
        await tab.until("document.getElementById('step-b').value === '0'")
        first = await tab.value("document.querySelector('[data-role=accuracy]').textContent")
        await tab.press("End", 35)
        await tab.until("document.getElementById('step-b').value !== '0'")
        last = await tab.value("document.querySelector('[data-role=accuracy]').textContent")
        return first, last

    first, last = visited(page, tmp_path, visit)
    assert re.fullmatch(r"train 0\.00, validation 0\.00", first)
    assert re.fullmatch(r"train 1\.00, validation 1\.00", last)


def test_a_network_without_keys_has_no_circle_and_says_so(page, tmp_path):
    async def visit(tab):
        await tab.value(
            "const choice = document.querySelectorAll('[data-role=network]')[1];"
            "choice.value = 1; choice.dispatchEvent(new Event('change'))"
        )
        await tab.until("!document.querySelector('[data-role=no-circle]').hidden")
        hidden = "document.querySelector('[data-chart=circle]').hidden"
        assert await tab.value(hidden)
        return await tab.value("document.querySelector('[data-role=status]').textContent")

    assert visited(page, tmp_path, visit).startswith("Seed 0 diverged")


def test_playing_moves_the_slider_to_the_end(page, tmp_path):
    async def visit(tab):
        play = "document.querySelectorAll('[data-role=play]')[1]"
        await tab.value(f"{play}.click()")
        assert await tab.value("document.getElementById('step-b').value") == "0"
        await tab.until(f"{play}.getAttribute('aria-pressed') === 'false'")
        return await tab.value("document.getElementById('step-b').value")

    assert visited(page, tmp_path, visit) == str(len(STEPS) - 1)


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(page, tmp_path, width):
    async def visit(tab):
        return await tab.value(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )

    scrolled, shown = visited(page, tmp_path, visit, width, 844)
    assert shown == width
    assert scrolled <= width


def test_the_comparative_table_fits_a_window_of_1200_pixels(tmp_path):
    study, runs = write_study(tmp_path)
    shutil.copy(PUBLISHED / "tables/comparative_metrics.csv", study / "tables")  # words at length
    build(study, runs, study / "page/index.html")

    async def visit(tab):
        box = "document.querySelector('.scroll')"
        return await tab.value(f"[{box}.scrollWidth, {box}.clientWidth]")

    inside, box = visited(study / "page/index.html", tmp_path / "profile", visit, 1200)
    assert inside <= box
