"""replay/holes.py: where recordings have nothing is found by the pauses between messages, and named."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from support.tapes import market, without
from twap_models.enums import AGGREGATE
from twap_models.orders import TwapOrderRequest
from twap_server.bootstrap import Recording, replay
from twap_server.bootstrap.played_exchange import exchanges_in
from twap_server.domain.clock import SECOND, Nanos
from twap_server.replay.holes import Holes
from twap_server.replay.origin import NEVER, PlayedConnection, PlayedFrame
from twap_server.reports.page import report_page
from twap_server.reports.summary import summary
from twap_server.settings import Settings

FIRST = 1_000


def sources(exchange: str) -> tuple[PlayedConnection, PlayedConnection]:
    path = Path(exchange)
    return (
        PlayedConnection(exchange=exchange, path=path, conn="a"),
        PlayedConnection(exchange=exchange, path=path, conn="a", is_boundary=True),
    )


def found(moments: Sequence[float], *, bounds: Sequence[float] = (), exchange: str = "kraken") -> list[float]:
    """Begins and ends of the holes between messages at these seconds, with boundaries at others."""
    message, boundary = sources(exchange)
    rows = [(at, message) for at in moments] + [(at, boundary) for at in bounds]
    frames: list[PlayedFrame] = [
        (Nanos(int((FIRST + at) * SECOND)), b"", 1, source, NEVER)
        for at, source in sorted(rows, key=lambda row: row[0])
    ]
    holes = Holes()
    assert list(holes.watching(iter(frames))) == frames
    every = holes.within(exchange, Nanos(0), NEVER)
    assert holes.within(AGGREGATE, Nanos(0), NEVER) == every
    assert holes.within("another", Nanos(0), NEVER) == ()
    return [moment / SECOND - FIRST for hole in every for moment in hole]


@pytest.mark.parametrize(
    ("moments", "bounds", "holes"),
    [
        ([0, 1, 2, 5], [], []),
        ([0, 1, 2, 5.5], [], [2, 5.5]),
        ([0, 2, 4, 9, 11], [], []),
        ([0, 2, 4, 10.5, 12, 18.5], [], [4, 10.5, 12, 18.5]),
        ([0, 2.9, 11, 22], [], [11, 22]),
        ([0, 1, 3], [1.1, 2.9], [1, 3]),
        ([0, 1, 1.9], [1.1, 1.8], []),
        ([0, 1, 2, 3], [0], []),
    ],
    ids=[
        "borne without a pace",
        "too long without a pace",
        "usual by its pace",
        "a hole makes no pace",
        "no pace makes ten seconds be borne",
        "nobody was connected",
        "connected anew at once",
        "a boundary at the beginning",
    ],
)
def test_what_is_a_hole(moments: Sequence[float], bounds: Sequence[float], holes: Sequence[float]) -> None:
    assert found(moments, bounds=bounds) == holes


def test_another_exchange_that_speaks_fills_no_hole() -> None:
    (one, _), (other, _) = sources("kraken"), sources("okx")
    holes = Holes()
    rows = [(0, one), (0, other), *((at, other) for at in range(1, 20)), (20, one)]
    list(holes.watching((Nanos(at * SECOND), b"", 1, source, NEVER) for at, source in rows))
    assert [tuple(one) for one in holes.within("kraken", Nanos(0), NEVER)] == [(0, 20 * SECOND)]
    assert holes.within("okx", Nanos(0), NEVER) == ()


def test_which_windows_it_reaches_into() -> None:
    message, _ = sources("kraken")
    holes = Holes()
    list(holes.watching((Nanos(at * SECOND), b"", 1, message, NEVER) for at in (10, 20, 21)))
    windows = [(0, 10), (0, 11), (15, 16), (19, 30), (20, 30)]
    reached = [bool(holes.within("kraken", Nanos(a * SECOND), Nanos(b * SECOND))) for a, b in windows]
    assert reached == [False, True, True, True, False]
    assert [bool(holes.last_before("kraken", Nanos(at * SECOND))) for at in (19, 20)] == [False, True]


def an_order(token: str, start: str) -> TwapOrderRequest:
    return TwapOrderRequest(
        token_id=token, exchange="binance", symbol="BTC-USDT", quantity="1", start_time=start, duration="5s",
        slices=5,
    )  # fmt: skip


def test_slices_that_met_the_last_book_before_it_are_marked(tmp_path: Path) -> None:
    path = without(market(tmp_path / "a.gz", seconds=60), 20, 30)
    (record,) = replay(path, [an_order("late", "+18s")], Settings()).records
    (note,) = [line for line in summary(record) if "has nothing" in line]
    filled = [fill.slice_index + 1 for fill in record.fills if record.holes[0].begin < fill.time]
    assert filled
    assert f" s): slices {', '.join(map(str, sorted(set(filled))))} met the last book before it; " in note


def test_a_replay_names_it_once_for_each_order_that_met_it(tmp_path: Path) -> None:
    path = without(market(tmp_path / "a.gz", seconds=60), 20, 30)
    before, inside, after = replay(
        path, [an_order("before", "+5s"), an_order("inside", "+18s"), an_order("after", "+40s")], Settings()
    ).records
    words = "The recording has nothing from 2024-08-08T23:54:33Z to 2024-08-08T23:54:44Z (10."
    assert not any(words in line for line in summary(before))
    for one in (inside, after):  # no book is whole again after it
        assert [words in line for line in summary(one)].count(True) == 1
        assert report_page(one).count(words) == 1


def test_a_kept_recording_is_looked_through_once(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=30)
    kept = Recording(path, keep=True)
    assert exchanges_in([Recording(path)])[0].holes() is None, "its messages are looked at as they go by"
    assert exchanges_in([kept])[0].holes() is exchanges_in([kept])[0].holes() is not None
