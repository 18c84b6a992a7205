"""engine/work/presence.py: why a slice was lost, told from the clocks and the waits for the store."""

import pytest

from twap_models.enums import SliceReason
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.engine.work.presence import Presence
from twap_server.engine.work.store_waits import StoreWaits

START = 1_000 * SECOND


class Hands:
    """Both clocks, set by hand."""

    def __init__(self) -> None:
        self.wall, self.mono = START, 0

    def now(self) -> Nanos:
        return Nanos(self.wall)

    def monotonic(self) -> Nanos:
        return Nanos(self.mono)

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError

    def passes(self, wall: int, mono: int | None = None) -> None:
        self.wall += wall
        self.mono += wall if mono is None else mono


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def waits() -> StoreWaits:
    return StoreWaits()


@pytest.fixture
def presence(hands: Hands, waits: StoreWaits) -> Presence:
    made = Presence(clock=hands, waits=waits)
    made.begin()
    return made


def after(seconds: float) -> Nanos:
    return Nanos(START + round(seconds * SECOND))


def test_before_the_start_it_was_down_and_afterwards_busy(presence: Presence) -> None:
    assert presence.reason(after(-1)) is SliceReason.ENGINE_DOWN
    assert presence.reason(after(0)) is SliceReason.ENGINE_DOWN
    assert presence.reason(after(1)) is SliceReason.OVERLOADED


def test_while_it_starts_it_is_down(hands: Hands, waits: StoreWaits) -> None:
    assert Presence(clock=hands, waits=waits).reason(after(1)) is SliceReason.ENGINE_DOWN


def test_a_wall_clock_set_forward_and_a_sleeping_machine_are_an_absence(
    hands: Hands, presence: Presence
) -> None:
    hands.passes(10 * SECOND, 100 * MILLISECOND)
    presence.note()
    hands.passes(SECOND)
    presence.note()
    assert presence.reason(after(5)) is SliceReason.ENGINE_DOWN
    assert presence.reason(after(10.5)) is SliceReason.OVERLOADED


def test_a_process_that_was_stopped_was_away_and_one_that_was_late_was_not(
    hands: Hands, presence: Presence
) -> None:
    hands.passes(2 * SECOND)
    presence.note()
    assert presence.reason(after(1)) is SliceReason.OVERLOADED
    hands.passes(20 * SECOND)
    presence.note()
    assert presence.reason(after(12)) is SliceReason.ENGINE_DOWN


def test_a_long_wait_for_the_store_is_no_absence(hands: Hands, waits: StoreWaits, presence: Presence) -> None:
    hands.passes(20 * SECOND)
    waits.note(after(1), after(19), rows=1)
    presence.note()
    assert presence.reason(after(12)) is SliceReason.STORAGE
    assert presence.reason(after(19.5)) is SliceReason.OVERLOADED, "what it found afterwards was too much"


@pytest.mark.parametrize(
    ("took_ms", "rows", "reason"),
    [
        (190, 1, SliceReason.OVERLOADED),
        (210, 1, SliceReason.STORAGE),
        (600, 1_000, SliceReason.OVERLOADED),
        (710, 1_000, SliceReason.STORAGE),
    ],
)
def test_the_store_is_to_blame_for_what_takes_longer_than_its_rows_do(
    waits: StoreWaits, presence: Presence, took_ms: int, rows: int, reason: SliceReason
) -> None:
    waits.note(after(1), Nanos(after(1) + took_ms * MILLISECOND), rows=rows)
    assert presence.reason(after(1.1)) is reason
