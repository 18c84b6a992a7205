"""Where a recording says that messages are missing its books are lost, until they are proven again."""

import csv
import gzip
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from support.exchanges import CASES
from support.exchanges.case import ExchangeCase
from support.made_recordings import BEGIN, listed, lossy, written
from support.tapes import SOCKET, T0_MS, market, row, write
from twap_models import OrderStatus, TwapOrderRequest
from twap_server.bootstrap import cut_recordings, replay
from twap_server.bootstrap.played_exchange import exchanges_in
from twap_server.cli.main import app
from twap_server.clock import VirtualClock
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos
from twap_server.domain.market.errors import StreamGap
from twap_server.domain.market.events import BookSnapshot, BookStatus
from twap_server.recordings.frames import Recording
from twap_server.recordings.losses import read_whole
from twap_server.recordings.manifest import Manifest, Segment
from twap_server.recordings.rows import LOST, Row
from twap_server.recordings.writer import write_recording
from twap_server.replay.following import FollowedBooks
from twap_server.replay.origin import merged
from twap_server.settings import Settings

each = pytest.mark.parametrize("case", CASES, ids=lambda case: case.shape.name)


def followed(path: Path) -> Iterator[tuple[Nanos, FollowedBooks]]:
    """The books of a recording after each message."""
    (one,) = exchanges_in([Recording(path)])
    one.prepare(None, VirtualClock(Nanos(0)))
    books = FollowedBooks(one.shape(depth=one.depth), one.listed())
    answers: list[tuple[Nanos, bytes, int, str]] = []
    for frame in merged(one.tapes(on_answer=lambda *answer: answers.append(answer))):
        for answer in answers:
            books.take_answer(*answer)
        answers.clear()
        books.take(frame)
        yield frame[0], books


@each
def test_a_book_is_lost_and_not_trusted_by_what_comes_then(case: ExchangeCase, tmp_path: Path) -> None:
    path, symbol = written(tmp_path / "a.gz", lossy(case, again=False)), listed(case).id.symbol
    live: dict[int, BookStatus] = {}
    for at, books in followed(path):
        live[(at - BEGIN) // SECOND] = books.books[symbol].status
        assert not books.unread.total
    assert live[0] is BookStatus.LIVE
    assert live[1] is BookStatus.RESYNCING
    assert live[3] is (BookStatus.LIVE if is_whole_book(case) else BookStatus.RESYNCING)


def is_whole_book(case: ExchangeCase) -> bool:
    """Whether its last message is all of a book, by itself."""
    stream = case.taught().new_stream()
    stream.opening()
    try:
        events = stream.decode(case.on_wire(case.opens[-1]))
    except StreamGap:  # of a channel that nobody has opened
        return False
    return any(isinstance(one, BookSnapshot) for one in events)


@each
def test_a_book_comes_back_over_a_new_connection(case: ExchangeCase, tmp_path: Path) -> None:
    path, symbol = written(tmp_path / "a.gz", lossy(case, again=True)), listed(case).id.symbol
    *_, (_, books) = followed(path)
    assert books.books[symbol].status is BookStatus.LIVE


@each
def test_a_replay_neither_ends_nor_fills_there(case: ExchangeCase, tmp_path: Path) -> None:
    path = written(tmp_path / "a.gz", lossy(case, again=True))
    one = listed(case)
    order = TwapOrderRequest(
        token_id="a", exchange=case.shape.name, symbol=one.id.symbol, side="sell",
        quantity=max(one.min_quantity, one.lot_size), start_time="+1200ms", duration="1s", slices=1,
    )  # fmt: skip
    done = replay(path, [order], Settings())
    assert done.records[0].order.status is not OrderStatus.FILLED
    assert done.missing == (
        f"{path}: 12 messages are missing, which the disk did not take: "
        "12 between 2026-01-01T00:00:01Z and 2026-01-01T00:00:03Z (2.0 s)",
    )


def with_loss(path: Path, *, begin: float, end: float, messages: int = 30) -> Path:
    """A made market without what came between two moments, in seconds, and the row that says so."""
    with gzip.open(path, "rb") as lines:
        rows = [msgspec.json.decode(line, type=Row) for line in lines]
    first = T0_MS / 1000
    before = [one for one in rows if (one.t or 0) < first + begin]
    after = [one for one in rows if (one.t or 0) >= first + end]
    return write(path, [*before, row(first + begin, str(messages), conn=SOCKET, direction=LOST), *after])


@pytest.mark.parametrize(
    "strategy",
    [{}, {"strategy": "pov", "participation": "20"}, {"participation_cap": "20"}],
    ids=["twap", "pov", "capped"],
)
def test_an_order_names_the_hole_and_meets_no_book_after_it(strategy: dict[str, str], tmp_path: Path) -> None:
    path = with_loss(market(tmp_path / "a.gz", seconds=30), begin=10, end=10.4)
    order = TwapOrderRequest(
        token_id="a",
        exchange="binance",
        symbol="BTC-USDT",
        side="buy",
        quantity="2",
        duration="20s",
        slices=20,
    )
    (record,) = replay(path, [order], Settings()).records
    (hole,) = record.holes
    assert hole.begin == (T0_MS + 10_000) * MILLISECOND
    assert 400 * MILLISECOND <= hole.end - hole.begin < SECOND
    assert not [one for one in record.fills if one.time >= hole.begin]
    assert [one for one in record.fills if one.time < hole.begin]


def test_an_export_tells_and_has_no_book_there(tmp_path: Path) -> None:
    path = with_loss(market(tmp_path / "a.gz", seconds=20), begin=10, end=10.4)
    done = CliRunner().invoke(app, ["recordings", "export", str(path), "--csv", str(tmp_path / "tables")])
    assert done.exit_code == 0
    assert "a.gz: 30 messages are missing" in " ".join(done.output.split())
    rows = list(csv.DictReader((tmp_path / "tables" / "best_prices.csv").read_text().splitlines()))
    assert rows[-1]["received"].startswith("2024-08-08T23:54:24.0000") and not rows[-1]["bid"]


def test_what_a_manifest_alone_counts_is_told(tmp_path: Path) -> None:
    path = (
        market(tmp_path / "binance" / "a.jsonl.gz", seconds=20)
        if (tmp_path / "binance").mkdir() is None
        else None
    )
    assert path is not None
    Manifest.of(path.parent).add(Segment(file=path.name, first=Nanos(1), last=Nanos(2), dropped=7))
    done = replay(path.parent, [], Settings())
    assert (
        len(done.missing) == 1
        and "7 messages are missing, which the disk did not take, and no row" in done.missing[0]
    )


def test_a_part_keeps_what_is_missing_in_it_alone(tmp_path: Path) -> None:
    path = with_loss(market(tmp_path / "a.gz", seconds=30), begin=10, end=10.4)
    for name, (begin, end) in (("around", (5, 15)), ("after", (20, 25))):
        cut_recordings(
            [path], begin=timedelta(seconds=begin), end=timedelta(seconds=end), symbols=[], exchange=None,
            instruments=None, output=tmp_path / name, announce=lambda _: None,
        )  # fmt: skip
    around = tmp_path / "around" / "binance"
    assert [one.messages for one in read_whole(around).losses] == [30]
    assert [one.dropped for one in Manifest.of(around).segments] == [30]


def test_a_loss_before_a_part_is_none_of_it(tmp_path: Path) -> None:
    case = next(one for one in CASES if one.shape.name == "okx")
    conn = case.shape.default_ws_url
    messages = lossy(case, again=True)
    again = [(Nanos(one[0] + 10 * SECOND), *one[1:]) for one in messages if one[2] == conn and one[1] != LOST]
    write_recording(tmp_path / "okx", [*messages[:-1], *again])
    cut_recordings(
        [tmp_path / "okx"], begin=Nanos(BEGIN + 9 * SECOND), end=Nanos(BEGIN + 20 * SECOND), symbols=[],
        exchange=None, instruments=None, output=tmp_path / "part", announce=lambda _: None,
    )  # fmt: skip
    assert read_whole(tmp_path / "part" / "okx").losses == ()
