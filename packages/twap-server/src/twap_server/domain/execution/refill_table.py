"""Sum up a study of refilling: means and their 95 % intervals, and how long half of it takes.

The intervals come from a bootstrap over blocks of time: events near one another share their market, so they
are drawn together. Seeded: the same study gives the same table. Whole numbers (millionths) carry the means.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from twap_server.domain.clock import SECOND
from twap_server.domain.execution.refill import LAGS, WHOLE, RefillStudy

BLOCK: Final = 10 * SECOND
DRAWS: Final = 1_000
_LOW, _HIGH = DRAWS * 25 // 1_000, DRAWS * 975 // 1_000 - 1
_SEED: Final = 1


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
    """Of the lags with events, shortest first."""
    half: Interval | None
    """Nanoseconds until half of what was taken is displayed again on average, between two lags in a straight
    line; None: it is not within the last lag. A bound beyond it is the last lag."""


def table_of(study: RefillStudy, lags: Sequence[int] = LAGS) -> RefillTable:
    """Sum a study up."""
    lags = [lag for lag in lags if any(True for _ in study.seen(lag))]
    blocks = _blocks(study, lags)
    whole, drawn = _added(blocks), _draws(blocks)
    rows = tuple(_row(study, lag, at, whole, drawn) for at, lag in enumerate(lags))
    half = _half(whole, lags)
    if half is None:
        return RefillTable(rows=rows, half=None)
    halves = [_half(sums, lags) for sums in drawn]
    low, high = _bounds([lags[-1] if found is None else found for found in halves])
    return RefillTable(rows=rows, half=Interval(half, low, high))


def _row(study: RefillStudy, lag: int, at: int, whole: Lags, drawn: Sequence[Lags]) -> RefillRow:
    looks = [look for _, look in study.seen(lag)]
    here, others = whole[at], [lags[at] for lags in drawn]
    return RefillRow(
        lag=lag,
        events=len(looks),
        refilled=Interval(
            here.refilled // here.events, *_bounds([one.refilled // max(1, one.events) for one in others])
        ),
        untouched=sum(look.untouched for look in looks) // len(looks),
        moved=Interval(
            here.moved // here.events, *_bounds([one.moved // max(1, one.events) for one in others])
        ),
    )


def _bounds(means: Sequence[int]) -> tuple[int, int]:
    """Between which 95 % of the drawn means lie."""
    ordered = sorted(means)
    return ordered[_LOW], ordered[_HIGH]


def _blocks(study: RefillStudy, lags: Sequence[int]) -> list[Lags]:
    """The sums of each block of time that has events."""
    found: dict[int, list[Sums]] = defaultdict(lambda: [Sums(0, 0, 0) for _ in lags])
    for at, lag in enumerate(lags):
        for moment, look in study.seen(lag):
            block = found[moment // BLOCK]
            events, refilled, moved = block[at]
            block[at] = Sums(events + 1, refilled + look.refilled, moved + look.moved)
    return [block for _, block in sorted(found.items())]


def _draws(blocks: Sequence[Lags]) -> list[Lags]:
    """As many blocks as there are, drawn with replacement, a thousand times."""
    many = len(blocks)
    return [
        _added([blocks[_drawn(draw, place, many)] for place in range(many)])
        for draw in range(DRAWS if blocks else 0)
    ]


def _drawn(draw: int, place: int, most: int) -> int:
    """A whole number below ``most``, each as likely as any other; the same on any machine."""
    digest = hashlib.sha256(f"{_SEED} {draw} {place}".encode()).digest()
    return int.from_bytes(digest[:8], "big") * most >> 64


def _added(blocks: Iterable[Lags]) -> Lags:
    return [Sums(*(sum(values) for values in zip(*lag, strict=True))) for lag in zip(*blocks, strict=True)]


def _half(sums: Lags, lags: Sequence[int]) -> int | None:
    """When the mean first reaches one half."""
    begin, low = 0, 0
    for lag, one in zip(lags, sums, strict=True):
        mean = one.refilled // max(1, one.events)
        if mean * 2 >= WHOLE:
            return begin + (lag - begin) * (WHOLE // 2 - low) // (mean - low)
        begin, low = lag, mean
    return None
