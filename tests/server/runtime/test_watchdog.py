"""The event loop stands still: told with the stack, once, and counted (F68)."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.runtime.config import RuntimeConfig
from twap_server.runtime.durations import BOUNDS_MS, Durations
from twap_server.runtime.watchdog import BEAT, Watchdog, stack_of

STALL = timedelta(milliseconds=250)
PATIENCE_S = 10.0


class HandClock:
    """Time stands still until somebody moves it; a sleep ends at once where the time has come."""

    def __init__(self) -> None:
        self.time = Nanos(SECOND)

    def now(self) -> Nanos:
        return self.time

    def monotonic(self) -> Nanos:
        return self.time

    async def sleep(self, seconds: float) -> None:
        until = self.time + round(seconds * SECOND)
        while self.time < until:
            await asyncio.sleep(0)

    def move(self, milliseconds: int) -> None:
        self.time = Nanos(self.time + milliseconds * MILLISECOND)


class Thread:
    """The watchdog's own waiting: it looks whenever the test lets it, as often as the test says."""

    def __init__(self) -> None:
        self._turn = threading.Semaphore(0)
        self._looked = threading.Semaphore(0)

    def wait(self, stopped: threading.Event, _seconds: float) -> bool:
        self._looked.release()
        while not stopped.is_set() and not self._turn.acquire(timeout=0.01):
            pass
        return stopped.is_set()

    def look(self) -> None:
        """Let it look once, and wait until it has."""
        self._turn.release()
        assert self._looked.acquire(timeout=PATIENCE_S), "the watchdog does not look"

    def first_look(self) -> None:
        assert self._looked.acquire(timeout=PATIENCE_S), "the watchdog does not look"


@contextmanager
def watching(every: timedelta = timedelta(seconds=10)) -> Iterator[tuple[Watchdog, HandClock, Thread]]:
    clock, thread = HandClock(), Thread()
    config = RuntimeConfig(stall=STALL, stall_log_every=every)
    watchdog = Watchdog(config, clock, wait=thread.wait)
    with watchdog.watched():
        thread.first_look()
        yield watchdog, clock, thread


def hold_the_loop_up(clock: HandClock, thread: Thread, milliseconds: int) -> None:
    clock.move(milliseconds)
    thread.look()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]


async def beating(watchdog: Watchdog, work: Callable[[], object]) -> None:
    """Let the loop beat, then do ``work`` in it, then let it beat again."""
    async with asyncio.TaskGroup() as group:
        beats = group.create_task(watchdog.beat())
        await asyncio.sleep(0)
        work()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        beats.cancel()


async def test_a_loop_that_stands_still_is_told_with_its_stack(caplog: pytest.LogCaptureFixture) -> None:
    with watching() as (watchdog, clock, thread):
        await beating(watchdog, lambda: hold_the_loop_up(clock, thread, 300))
    (text,) = warnings(caplog)
    assert "hold_the_loop_up (test_watchdog.py:" in text
    assert "it is in: test_a_loop_that_stands_still" in text, "what runs the loop is left out"
    assert "stood still for 250 ms, left_out=0" in text


async def test_a_stall_just_below_the_limit_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with watching() as (watchdog, clock, thread):
        await beating(watchdog, lambda: hold_the_loop_up(clock, thread, 299))
    assert warnings(caplog) == []


async def test_one_stall_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    def stand_still(clock: HandClock, thread: Thread) -> None:
        for _ in range(5):
            hold_the_loop_up(clock, thread, 20_000)

    with watching() as (watchdog, clock, thread):
        await beating(watchdog, lambda: stand_still(clock, thread))
    assert len(warnings(caplog)) == 1


async def test_many_stalls_are_few_lines_and_those_left_out_are_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with watching(every=timedelta(seconds=1)) as (watchdog, clock, thread):
        for _ in range(5):
            await beating(watchdog, lambda: hold_the_loop_up(clock, thread, 300))
    first, second = warnings(caplog)
    assert "left_out=0" in first
    assert "left_out=3" in second


async def test_lateness_is_counted() -> None:
    with watching() as (watchdog, clock, _):
        await beating(watchdog, lambda: clock.move(50))
        await beating(watchdog, lambda: clock.move(50 + 30))
        await beating(watchdog, lambda: clock.move(50 + 300))
        lag = watchdog.lag.members[""]
    assert dict(zip(BOUNDS_MS, lag.counts, strict=False)) | {1: 1, 50: 1, 500: 1} == dict(
        zip(BOUNDS_MS, lag.counts, strict=False)
    )
    assert sum(lag.counts) == 3
    assert lag.total == 330 * MILLISECOND
    assert BEAT == 50 * MILLISECOND


@pytest.mark.parametrize(("took", "place"), [(0, 0), (1, 0), (2, 1), (5_000, 10), (5_001, 11)])
def test_durations_have_a_place_each(took: int, place: int) -> None:
    durations = Durations()
    durations.add(took * MILLISECOND)
    assert durations.counts.index(1) == place


def test_the_thread_ends_with_the_block() -> None:
    with watching():
        assert any(one.name == "watchdog" for one in threading.enumerate())
    assert not any(one.name == "watchdog" for one in threading.enumerate())


def test_a_stack_without_python_says_so() -> None:
    assert "a library in C" in stack_of(0)
