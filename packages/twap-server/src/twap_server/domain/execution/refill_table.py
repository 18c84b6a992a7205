"""Sum up a study of refilling: means and their 95 % intervals, and how long half of it takes.

The intervals come from draws of blocks of time (``domain/resampling.py``): events near one another share
their market. Where there are too few blocks for that, nothing is told. Whole numbers (millionths) carry the
means.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from twap_server.domain.clock import SECOND
from twap_server.domain.execution.refill import LAGS, WHOLE, RefillStudy
from twap_server.domain.resampling import FEWEST, Choose, middle, redrawn

BLOCK: Final = 10 * SECOND


class Sums(NamedTuple):
    """Of the events of one lag."""

    events: int
    refilled: int
    moved: int


Lags: TypeAlias = Sequence[Sums]
"""For each lag."""


class Interval(NamedTuple):
    """A mean and between which values it lies with 95 %; in the unit of the mean."""

    mean: int
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefillRow:
    """One lag: millionths."""

    lag: int
    events: int
    refilled: Interval
    """Of what was taken."""
    untouched: int
    """What is displayed of the best level of the other side."""
    moved: Interval
    """How far the best price lies from where it was; positive: worse for a taker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefillTable:
    """What a study came to."""

    rows: tuple[RefillRow, ...]
    """Of the lags with events in enough blocks, shortest first."""
    half: Interval | None
    """Nanoseconds until half of what was taken is displayed again on average, between two lags in a straight
    line; None: it is not within the last lag. A bound beyond it is the last lag."""


def table_of(study: RefillStudy, lags: Sequence[int] = LAGS, *, choose: Choose) -> RefillTable:
    """Sum a study up. Args: choose: draws the blocks; seeded, the same study gives the same table."""
    lags = [lag for lag in lags if len({at // BLOCK for at, _ in study.seen(lag)}) >= FEWEST]
    blocks = _blocks(study, lags)
    rows = tuple(_row(study, lag, [block[at] for block in blocks], choose) for at, lag in enumerate(lags))
    return RefillTable(rows=rows, half=_half_of(blocks, lags, choose))


def _row(study: RefillStudy, lag: int, blocks: Sequence[Sums], choose: Choose) -> RefillRow:
    looks = [look for _, look in study.seen(lag)]
    blocks = [block for block in blocks if block.events]
    whole, drawn = _sum(blocks), redrawn(blocks, _sum, choose)
    assert drawn is not None, "there are enough blocks"
    return RefillRow(
        lag=lag,
        events=len(looks),
        refilled=Interval(
            whole.refilled // whole.events, *middle([one.refilled // one.events for one in drawn])
        ),
        untouched=sum(look.untouched for look in looks) // len(looks),
        moved=Interval(whole.moved // whole.events, *middle([one.moved // one.events for one in drawn])),
    )


def _half_of(blocks: Sequence[Lags], lags: Sequence[int], choose: Choose) -> Interval | None:
    half = _half(_added(blocks), lags)
    drawn = None if half is None else redrawn(blocks, lambda some: _half(_added(some), lags), choose)
    if half is None or drawn is None:
        return None
    return Interval(half, *middle([lags[-1] if found is None else found for found in drawn]))


def _blocks(study: RefillStudy, lags: Sequence[int]) -> list[Lags]:
    """The sums of each block of time that has events."""
    found: dict[int, list[Sums]] = defaultdict(lambda: [Sums(0, 0, 0) for _ in lags])
    for at, lag in enumerate(lags):
        for moment, look in study.seen(lag):
            block = found[moment // BLOCK]
            events, refilled, moved = block[at]
            block[at] = Sums(events + 1, refilled + look.refilled, moved + look.moved)
    return [block for _, block in sorted(found.items())]


def _added(blocks: Iterable[Lags]) -> Lags:
    return [_sum(lag) for lag in zip(*blocks, strict=True)]


def _sum(blocks: Sequence[Sums]) -> Sums:
    return Sums(*map(sum, zip(*blocks, strict=True)))


def _half(sums: Lags, lags: Sequence[int]) -> int | None:
    """When the mean first reaches one half; of a draw without events of a lag that one is passed over."""
    begin, low = 0, 0
    for lag, one in zip(lags, sums, strict=True):
        if not one.events:
            continue
        mean = one.refilled // one.events
        if mean * 2 >= WHOLE:
            return begin + (lag - begin) * (WHOLE // 2 - low) // (mean - low)
        begin, low = lag, mean
    return None
