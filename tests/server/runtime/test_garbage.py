"""The collector is kept out of the way, pauses are counted, threads give way; nothing outlives the server."""

import asyncio
import gc
import sys
from collections.abc import Iterator

import pytest

from twap_server.clock import SystemClock
from twap_server.domain.errors import InvalidRequest
from twap_server.runtime import garbage
from twap_server.runtime.config import RuntimeConfig
from twap_server.runtime.garbage import Garbage
from twap_server.runtime.vitals import Vitals
from twap_server.settings import load


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    gc.unfreeze()  # what was set aside before the tests began
    threshold, turn = gc.get_threshold(), sys.getswitchinterval()
    yield
    assert sys.getswitchinterval() == turn
    assert gc.isenabled() and gc.get_threshold() == threshold and gc.get_freeze_count() == 0


def test_pauses_are_counted_by_generation() -> None:
    watched = Garbage(SystemClock())
    with watched.watched():
        for generation in (0, 1, 2, 2):
            gc.collect(generation)
    gc.collect()
    counted = {name: sum(each.counts) for name, each in watched.pauses.members.items()}
    assert counted["2"] == 2
    assert counted["0"] >= 1 and counted["1"] >= 1
    assert watched.pauses.members["2"].total > 0


def test_set_aside_for_a_while() -> None:
    gc.disable()
    with garbage.aside():
        assert gc.isenabled() and gc.get_freeze_count() > 10_000 and gc.get_threshold()[0] == 5_000
    assert not gc.isenabled()
    gc.enable()


@pytest.mark.parametrize("tuned", [True, False])
async def test_what_is_there_once_ready_is_set_aside(tuned: bool) -> None:
    garbage.hold_off()
    ready = asyncio.Event()
    vitals = Vitals(RuntimeConfig(tune_gc=tuned), SystemClock())
    async with asyncio.TaskGroup() as group:
        with vitals.watched(group, ready):
            await asyncio.sleep(0)
            assert not gc.isenabled(), "nothing is collected while the server starts"
            assert sys.getswitchinterval() == 0.001
            ready.set()
            async with asyncio.timeout(10):
                while not gc.isenabled():
                    await asyncio.sleep(0)
            assert (gc.get_freeze_count() > 10_000) is tuned
            assert (gc.get_threshold()[0] == 5_000) is tuned


@pytest.mark.parametrize("key", ["tune_gc", "tame_collector"])
def test_the_old_name_of_the_setting_is_still_read(key: str) -> None:
    variables = {f"TWAP_RUNTIME__{key.upper()}": "false"}
    assert not load(file=None, flags={}, environment=variables).runtime.tune_gc
    with pytest.raises(InvalidRequest):
        load(file=None, flags={"runtime": {"tune_gc": True, "tame_collector": False}}, environment={})


async def test_a_dead_cycle_made_later_is_collected() -> None:
    ready = asyncio.Event()
    ready.set()
    dead: list[bool] = []

    class Ring:
        def __init__(self) -> None:
            self.self = self

        def __del__(self) -> None:
            dead.append(True)

    async with asyncio.TaskGroup() as group:
        with Vitals(RuntimeConfig(), SystemClock()).watched(group, ready):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert gc.get_freeze_count() > 0
            Ring()
            gc.collect()
    assert dead == [True]
