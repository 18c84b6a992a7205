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


async def test_a_kind_of_trouble_is_logged_once_and_shown_in_its_last_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    troubles = Troubles(LoopClock())
    for subject in ("a", "b", "c"):
        troubles.note(f"no permission for {subject}", kind="permission")
    assert [one.getMessage() for one in caplog.records] == ["no permission for a"]
    assert troubles.remarks() == ["no permission for c"]


async def test_what_lasts_is_shown_until_the_connection_is_another_one() -> None:
    troubles = Troubles(LoopClock())
    troubles.note("nothing is heard", lasts=True)
    troubles.note("something was lost")
    await asyncio.sleep(1_000)
    assert troubles.remarks() == ["nothing is heard"]
    troubles.end_lasting()
    assert troubles.remarks() == []


async def test_a_fault_is_logged_with_its_trace_once_for_each_place(caplog: pytest.LogCaptureFixture) -> None:
    troubles = Troubles(LoopClock())

    def fail(where: int) -> None:
        if where:
            raise KeyError(where)
        raise KeyError("elsewhere")

    for where in (1, 2, 3, 0, 0):
        try:
            fail(where)
        except KeyError as error:
            troubles.note_fault("it could not be done", error)
    assert [one.exc_info is not None for one in caplog.records] == [True, True]
    remarks = troubles.remarks()
    assert len(remarks) == 2
    assert all("it could not be done (KeyError at test_troubles.py:" in one for one in remarks)


async def test_however_much_others_say_little_is_kept() -> None:
    troubles = Troubles(LoopClock())
    for number in range(1_000):
        troubles.note(f"what cannot be read {number}")
    assert troubles.remarks() == [f"what cannot be read {number}" for number in range(990, 1_000)]
