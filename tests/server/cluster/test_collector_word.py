"""When a collector spoke last: what comes late counts from when it was told."""

from support.clocks import HandClock
from twap_server.cluster.collector_word import CollectorWord
from twap_server.domain.clock import SECOND, Nanos

_AHEAD = 1_000 * SECOND
"""Of the collector's monotonic clock."""


def test_what_comes_late_for_long_does_not_become_usual() -> None:
    clock = HandClock()
    word = CollectorWord(clock)
    for _ in range(20):
        clock.time = Nanos(clock.time + SECOND)
        word.hear(Nanos(clock.monotonic() + _AHEAD))
    assert not word.is_silent
    for _ in range(600):
        clock.time = Nanos(clock.time + SECOND)
        word.hear(Nanos(clock.monotonic() + _AHEAD - 5 * SECOND))
        assert word.is_silent


def test_clocks_that_drift_apart_are_no_lateness() -> None:
    clock = HandClock()
    word = CollectorWord(clock)
    for second in range(36_000):
        clock.time = Nanos(clock.time + SECOND)
        word.hear(Nanos(clock.monotonic() + _AHEAD - second * 900_000))
    assert not word.is_silent
