"""The server's time never goes back, keeps pace through steps that are undone, returns from others."""

from itertools import pairwise
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient
from hypothesis import given
from hypothesis import strategies as st

from support.clocks import LoopClock
from twap_server import bootstrap
from twap_server.api.app import create_app
from twap_server.clock import SteadyClock
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.settings import Settings

T0 = 1_700_000_000 * SECOND
HOUR = 3_600


class HandClock:
    """Two clocks set by hand."""

    def __init__(self) -> None:
        self.elapsed = 0
        self.offset = 0

    def now(self) -> Nanos:
        return Nanos(T0 + self.elapsed + self.offset)

    def monotonic(self) -> Nanos:
        return Nanos(self.elapsed)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")

    def step(self, seconds: float) -> None:
        self.offset += int(seconds * SECOND)


def at(clock: HandClock, steady: SteadyClock, seconds: float) -> float:
    """Let time pass up to so many seconds, looking ten times a second, and give the seconds shown."""
    while clock.elapsed < seconds * SECOND:
        clock.elapsed = min(clock.elapsed + 100 * MILLISECOND, int(seconds * SECOND))
        steady.now()
    return (steady.now() - T0) / SECOND


def made() -> tuple[HandClock, SteadyClock]:
    clock = HandClock()
    return clock, SteadyClock(clock)


def test_it_is_the_wall_clock_while_that_runs_on() -> None:
    clock, steady = made()
    assert at(clock, steady, 500) == 500
    assert steady.remarks() == []


@pytest.mark.parametrize("step", [-HOUR, -300, -20, -1.5])
def test_set_back_it_keeps_its_pace_and_a_step_taken_back_costs_nothing(
    step: float, caplog: pytest.LogCaptureFixture
) -> None:
    clock, steady = made()
    at(clock, steady, 100)
    clock.step(step)
    assert at(clock, steady, 500) == 500
    assert len(steady.remarks()) == 1
    clock.step(-step)
    assert at(clock, steady, 600) == 600
    assert [record.message.split(": ")[1] for record in caplog.records] == [
        "orders at work keep their pace",
        "a step back is undone, nothing is missed",
    ]
    clock.elapsed += 2 * HOUR * SECOND
    assert steady.remarks() == []


def test_still_set_back_it_returns_at_half_the_pace(caplog: pytest.LogCaptureFixture) -> None:
    clock, steady = made()
    at(clock, steady, 100)
    clock.step(-HOUR)
    assert at(clock, steady, 700) == pytest.approx(700, abs=0.2), "ten minutes at full pace"
    assert at(clock, steady, 900) == pytest.approx(800, abs=0.2)
    assert "3,500.1 s ahead of it and returns to it slowly" in steady.remarks()[0]
    assert at(clock, steady, 700 + 2 * HOUR - 10) - (clock.now() - T0) / SECOND == pytest.approx(5, abs=0.2)
    assert at(clock, steady, 700 + 2 * HOUR + 10) == (clock.now() - T0) / SECOND
    assert "the server's time is the wall clock's again" not in caplog.text
    assert caplog.text.count("set back by 3,600.0 s") == 1


@pytest.mark.parametrize("step", [HOUR, 300, 1.5])
def test_set_forward_it_follows_at_once(step: float, caplog: pytest.LogCaptureFixture) -> None:
    clock, steady = made()
    at(clock, steady, 100)
    clock.step(step)
    assert at(clock, steady, 101) == 101 + step
    assert f"set forward, or the machine slept, by {step:,.1f} s" in caplog.text
    assert "slices due in between are missed" in caplog.text
    assert steady.remarks()[0].endswith("the server's time is the wall clock's again")


@pytest.mark.parametrize("step", [-0.4, -0.9])
def test_a_small_step_back_is_returned_from_at_once_and_not_told(
    step: float, caplog: pytest.LogCaptureFixture
) -> None:
    clock, steady = made()
    at(clock, steady, 100)
    clock.step(step)
    assert at(clock, steady, 100.2) == pytest.approx(100.1, abs=0.06)
    assert at(clock, steady, 102) == 102 + step
    assert steady.remarks() == [] and not caplog.records


def test_two_steps_back_are_one_way_back() -> None:
    clock, steady = made()
    at(clock, steady, 100)
    clock.step(-30)
    at(clock, steady, 200)
    clock.step(-30)
    assert at(clock, steady, 790) == pytest.approx(790, abs=0.2), "ten minutes from the last one"
    assert at(clock, steady, 950) == 950 - 60


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(-5_000, 5_000)), max_size=12))
def test_it_never_goes_back_and_is_never_behind(passages: list[tuple[int, int]]) -> None:
    clock, steady = made()
    shown = [steady.now()]
    for tenths, step in passages:
        clock.step(step / 10)
        for _ in range(tenths):
            clock.elapsed += 100 * MILLISECOND
            shown.append(steady.now())
            assert shown[-1] >= clock.now() - SECOND
    assert all(before <= after for before, after in pairwise(shown))
    clock.elapsed += 5_000 * SECOND
    steady.now()
    clock.elapsed += 3 * 5_000 * SECOND
    assert steady.now() == clock.now(), "it comes back to the true wall time"


async def test_all_of_a_server_counts_by_it_and_ready_tells_of_a_step(tmp_path: Path) -> None:
    machine = LoopClock()
    given = {"database": f"sqlite:///{tmp_path / 'a.db'}", "signing_key": "k" * 32, "exchanges": {}}
    async with bootstrap.running(Settings.model_validate(given), clock=machine) as server:
        clock, before = server.services.clock, server.services.clock.now()
        assert clock is server.clock
        transport = ASGITransport(create_app(server.services))
        async with AsyncClient(transport=transport, base_url="http://testserver") as http:
            await server.engine.ready.wait()
            assert (await http.get("/ready")).json() == {"status": "ready", "reasons": []}
            machine.jump = -HOUR * SECOND
            answer = await http.get("/ready")
        assert clock.now() >= before
        assert answer.status_code == 200, "orders and books are served"
        (reason,) = answer.json()["reasons"]
        assert reason.startswith("the wall clock was set back by 3,600.0 s at 2023-")
