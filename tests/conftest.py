"""What holds for every test."""

import asyncio
import gc
import os
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

from support import examples, once

if TYPE_CHECKING:
    from support.postgres import PostgresServer

# Until somebody has set a loop, Python 3.11 makes one for whoever asks; pytest-asyncio asks, drops it
# unclosed, and the warning then fails whichever test is running when it is collected.
asyncio.set_event_loop(None)

examples.register()

# Tables fit the terminal they are drawn for: a test that asks for a width sets it, none takes the caller's.
os.environ.pop("COLUMNS", None)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is made here lives as long as the run: to look for garbage in it takes a quarter of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(optionalhook=True)  # loops run without xdist
def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: many tests wait for processes and sockets."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)


@pytest.fixture(scope="session", autouse=True)
def _once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        once.commands(patch)
        once.certificates(patch)
        once.page_files(patch)
        once.pulse(patch)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator["PostgresServer"]:
    """A real PostgreSQL for the whole session. A test that stops it starts it again before it ends."""
    from support.postgres import PostgresServer, why_not

    if reason := why_not():
        pytest.skip(reason)
    with PostgresServer() as server:
        yield server
