"""One tab for all tests of a page: to load it takes longer than what most of them ask of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Tab, shown


@pytest.fixture(scope="module")
def loaded(page: Path, tmp_path_factory) -> Iterator[Tab]:
    with shown(page, tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture
def tab(loaded: Tab) -> Tab:
    """The tab, with the page as it is at first."""
    loaded.value("document.activeElement.blur(), set(sound(JSON.parse(FIRST)))")
    loaded.value("new Promise(requestAnimationFrame)")
    return loaded
