"""What goes wrong again and again is said once, and shown until it is over."""

import asyncio
import logging

import looptime  # noqa: F401 - the loop's time is virtual
import pytest

from support.clocks import LoopClock
from twap_server.cluster.troubles import Troubles

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime(start=0)]


async def test_it_is_logged_once_while_it_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    troubles = Troubles(LoopClock())
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            troubles.note("a node speaks otherwise")
            await asyncio.sleep(30)
        assert [one.getMessage() for one in caplog.records] == ["a node speaks otherwise"]
        assert troubles.remarks() == ["a node speaks otherwise"]
        await asyncio.sleep(60)
        assert troubles.remarks() == []
        troubles.note("a node speaks otherwise")
        assert len(caplog.records) == 2


async def test_however_much_others_say_little_is_kept() -> None:
    troubles = Troubles(LoopClock())
    for number in range(1_000):
        troubles.note(f"what cannot be read {number}")
    assert troubles.remarks() == [f"what cannot be read {number}" for number in range(990, 1_000)]
