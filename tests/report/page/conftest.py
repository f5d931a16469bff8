"""One tab for all tests of a page: to load it takes longer than what most of them ask of it."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from browser import visited


@pytest.fixture(scope="module")
def ask(page: Path, tmp_path_factory) -> Iterator[Callable]:
    """``ask(visit)`` awaits ``visit(tab)`` in a tab with the page as it is at first."""
    ready = Future()

    async def stay(tab):
        over = asyncio.Event()
        ready.set_result((tab, asyncio.get_running_loop(), over))
        await over.wait()

    def ask(visit):
        async def anew():
            await tab.value("document.activeElement.blur(), set(sound(JSON.parse(FIRST)))")
            await tab.value("new Promise(requestAnimationFrame)")
            return await visit(tab)

        return asyncio.run_coroutine_threadsafe(anew(), loop).result()

    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(visited, page, tmp_path_factory.mktemp("profile"), stay)
        wait((ready, ended), return_when=FIRST_COMPLETED)
        tab, loop, over = ready.result() if ready.done() else ended.result()
        yield ask
        loop.call_soon_threadsafe(over.set)
        ended.result()  # nothing complained
