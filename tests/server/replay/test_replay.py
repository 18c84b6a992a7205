"""Orders against a recording: fills come from the book of their moment, and a replay repeats exactly."""

import json
import random
import re
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from support.recordings import BINANCE_BTCUSDT, KRAKEN_BTCUSD, recording
from support.recordings import rows as recorded_rows
from support.tapes import market, row, write
from twap_models import OrderStatus, SliceOutcome, TwapOrderRequest
from twap_server.bootstrap import Recording, Replayed, replay
from twap_server.cli.main import app
from twap_server.domain.errors import BookUnavailable, InvalidRequest, UnknownSymbol
from twap_server.exchanges.binance.spot import BinanceExchange
from twap_server.recordings.rows import Row, rows
from twap_server.replay.player import TapePlayer
from twap_server.replay.virtual import ReplayLoop
from twap_server.settings import Settings


class OneByOne(ReplayLoop):
    """The slow way: one turn of the loop for each frame."""

    def pass_time(self, timeout: float | None) -> None:
        super().pass_time(timeout)
        assert isinstance(self._player, TapePlayer)
        self.horizon = min(self.horizon, self._player.tape.at)


def order(token: str = "one", **changed: Any) -> TwapOrderRequest:
    given = {"exchange": "binance", "symbol": "BTCUSDT", "quantity": "4", "duration": "10s", "interval": 1}
    return TwapOrderRequest.model_validate({"token_id": token, **given, **changed})


def several() -> list[TwapOrderRequest]:
    return [
        order("buy"),
        order("sell", side="sell", quantity="7.5", start_time="+3s", randomize="20"),
        order("capped", participation_cap="30", interval=2, duration="20s"),
        order("limited", price="60000.5", interval="1500ms"),
    ]


def test_fills_a_made_market(tmp_path: Path) -> None:
    done = replay(market(tmp_path / "a.gz", seconds=40), several(), Settings())
    assert done.frames > 400
    assert [record.order.terms.token_id for record in done.records] == ["buy", "sell", "capped", "limited"]
    assert all(not record.order.status.is_open for record in done.records)
    assert [record.order.status for record in done.records][:2] == [OrderStatus.FILLED] * 2
    assert all(one.order.terms.start >= done.start for one in done.records)
    assert all(record.samples for record in done.records)


def test_taking_many_frames_at_once_changes_nothing(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=30)
    at_once = replay(path, several(), Settings())
    assert at_once == replay(path, several(), Settings(), make_loop=OneByOne)
    assert sum(len(record.fills) for record in at_once.records) > 30


def with_quotes(path: Path, *, in_the_gap: bool) -> Path:
    """The same market beside its best quotes, which alone go on for 20 seconds while the book rests."""
    rng, found = random.Random(5), list[Row]()
    gap_at = rows_of(path)[0].t + 4  # type: ignore[operator]
    for one in rows_of(path):
        assert one.t is not None
        if one.t >= gap_at and found[-1].t < gap_at and in_the_gap:  # type: ignore[operator]
            found += [quote(gap_at + number / 10) for number in range(195)]
        at = one.t if one.t < gap_at else one.t + 20
        found.append(row(at, one.raw, conn=one.conn))
        found += [quote(at + (number + 1) / 10_000) for number in range(rng.randrange(6))]
    return write(path.with_name(f"quotes-{in_the_gap}.gz"), found)


def rows_of(path: Path) -> list[Row]:
    return [one for _, one in rows(path)]


def quote(at: float) -> Row:
    text = '{"stream":"btcusdt@bookTicker","data":{"u":%d,"s":"BTCUSDT","b":"1.5","B":"2","a":"1.6","A":"3"}}'
    return row(at, text % int(at * 1000))


def test_passing_over_messages_that_say_nothing_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = with_quotes(market(tmp_path / "a.gz", seconds=40), in_the_gap=True)
    some = replay(path, several(), Settings())
    assert some == replay(path, several(), Settings(), make_loop=OneByOne)
    monkeypatch.setattr(BinanceExchange, "says_nothing", lambda _: False)
    assert some == replay(path, several(), Settings())
    assert some.frames == len(rows_of(path)) - 1 > 1_000, "all but the REST book"
    silent = replay(with_quotes(tmp_path / "a.gz", in_the_gap=False), several(), Settings())
    missed, more = (
        sum(one.outcome is SliceOutcome.MISSED for record in done.records for one in record.slices)
        for done in (some, silent)
    )
    assert more > missed + 5, "they kept the book alive"


def test_a_kept_recording_is_read_once(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=30)
    kept = Recording(path, keep=True)
    assert len(list(kept.frames())) == len(list(kept.frames())) > 300
    assert replay(kept, several(), Settings()) == replay(path, several(), Settings())
    assert replay(kept, several()[:1], Settings()).records[0].order.status is OrderStatus.FILLED


def test_a_kept_recording_ends_where_the_file_does(tmp_path: Path) -> None:
    found = rows_of(market(tmp_path / "a.gz", seconds=30))
    found[-5] = row(found[-5].t, "{}", conn="wss://example.org")
    path = write(tmp_path / "b.gz", found)
    told = []
    for one in (path, Recording(path, keep=True)):
        with pytest.raises(InvalidRequest, match=f"line {len(found) - 4}") as error:
            replay(one, several(), Settings())
        told.append(str(error.value))
    assert told[0] == told[1]


def test_every_slice_met_the_book_of_its_moment(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=40)
    _check_against_a_plain_book(replay(path, several(), Settings()), path)


def test_every_slice_met_the_recorded_book_of_its_moment() -> None:
    path = recording(BINANCE_BTCUSDT)
    orders = [
        order("buy", duration="10m", quantity="3"),
        order("sell", side="sell", duration="5m", interval="7s"),
    ]
    done = replay(path, orders, Settings())
    assert done.frames == 99_573
    assert all(record.order.status is OrderStatus.FILLED for record in done.records)
    _check_against_a_plain_book(done, path)


def test_not_even_the_first_message_is_missed(tmp_path: Path) -> None:
    rows = list(recorded_rows(market(tmp_path / "a.gz", seconds=20)))
    (at,) = [at for at, one in enumerate(rows) if one["conn"].startswith("http")]
    following = next(at for at, one in enumerate(rows[at:], at) if "depthUpdate" in one["raw"])
    path = write(tmp_path / "b.gz", [rows[at], *rows[following:]])
    done = replay(path, [order()], Settings())
    assert done.records[0].order.status is OrderStatus.FILLED
    assert done.records[0].order.terms.created - done.start < 200_000_000


def test_kraken(tmp_path: Path) -> None:
    asked = order(exchange="kraken", symbol="BTC/USD", quantity="0.05", duration="5s")
    done = replay(recording(KRAKEN_BTCUSD), [asked], Settings())
    (record,) = done.records
    assert record.order.status is OrderStatus.FILLED
    assert {fill.exchange for fill in record.fills} == {"kraken"}


def test_an_order_longer_than_the_recording_stays_open(tmp_path: Path) -> None:
    done = replay(market(tmp_path / "a.gz", seconds=10), [order(duration="1h")], Settings())
    (record,) = done.records
    assert record.order.status is OrderStatus.WORKING
    assert {one.outcome for one in record.slices} == {SliceOutcome.FILLED}


def test_a_hole_in_the_recording_ends_the_book_there(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=30)
    holed = [one for at, one in enumerate(recorded_rows(path)) if not 100 <= at < 110]
    done = replay(write(tmp_path / "b.gz", holed), [order(duration="25s")], Settings())
    reasons = [one.reason for one in done.records[0].slices]
    assert reasons[0] is None
    assert reasons[-1] is not None and reasons[-1].value in ("resyncing", "no_book")


def test_no_such_instrument(tmp_path: Path) -> None:
    with pytest.raises(UnknownSymbol, match="DOGE"):
        replay(market(tmp_path / "a.gz", seconds=2), [order(symbol="DOGEUSDT")], Settings())


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "it is empty"),
        ([row(1.0, "{}", direction="out")], "no message of a WebSocket"),
        (
            [row(1.0, '{"type":"hello"}', conn="wss://ws.example")],
            "line 1: a message of wss://ws.example: expected a recording whose connections name one of",
        ),
    ],
)
def test_what_cannot_be_replayed(tmp_path: Path, rows: list[Any], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        replay(write(tmp_path / "a.gz", rows), [order()], Settings())


def test_without_a_snapshot_there_is_no_book(tmp_path: Path) -> None:
    rows = [
        one for one in recorded_rows(market(tmp_path / "a.gz", seconds=5)) if one["conn"].startswith("ws")
    ]
    with pytest.raises(InvalidRequest, match="no REST book of BTCUSDT"):
        replay(write(tmp_path / "b.gz", rows), [order()], Settings())


def test_a_recording_that_ends_too_soon(tmp_path: Path) -> None:
    rows = list(recorded_rows(market(tmp_path / "a.gz", seconds=1)))
    rows = rows[: 1 + next(at for at, one in enumerate(rows) if one["conn"].startswith("http"))]
    with pytest.raises(BookUnavailable, match="ends before the book"):
        replay(write(tmp_path / "b.gz", rows), [order()], Settings())


def made(tmp_path: Path, change: Callable[[dict[str, Any]], dict[str, Any]], *, seconds: int = 15) -> Path:
    """A made market, each of its rows changed."""
    rows = recorded_rows(market(tmp_path / "made.gz", seconds=seconds))
    return write(tmp_path / "changed.gz", [change(dict(one)) for one in rows])


def spoilt(text: str, *, every: int = 1) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Every so many depth messages get this in place of their asks."""
    seen = count(1)

    def change(one: dict[str, Any]) -> dict[str, Any]:
        if "depthUpdate" in one["raw"] and next(seen) % every == 0:
            one["raw"] = re.sub(r'"a": \[\[.*\]\]', f'"a": {text}', one["raw"])
        return one

    return change


@pytest.mark.parametrize("unit_ns", [1, 1_000, 1_000_000, 1_000_000_000])
def test_digits_tell_the_unit_of_event_times(tmp_path: Path, unit_ns: int) -> None:
    def change(one: dict[str, Any]) -> dict[str, Any]:
        moved = lambda found: f'"{found[1]}": {int(found[2]) * 1_000_000 // unit_ns}'  # noqa: E731
        return one | {"raw": re.sub(r'"([ET])": (\d{13})', moved, one["raw"])}

    plain = replay(market(tmp_path / "plain.gz", seconds=15), several(), Settings())
    done = replay(made(tmp_path, change), several(), Settings())
    assert [record.order.average_price for record in done.records] == [
        record.order.average_price for record in plain.records
    ]
    assert [fill.price for record in done.records for fill in record.fills] == [
        fill.price for record in plain.records for fill in record.fills
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[["60001.0","1",[]]]', "a message of a known stream has an unexpected shape, first in line 1"),
        ('[["dear","1"]]', "a price or quantity is not a number|a price is not a positive number"),
        ("null", "a message of a known stream has an unexpected shape"),
    ],
)
def test_no_result_over_messages_that_nobody_read(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InvalidRequest, match=f"no result: .*changed.gz has unreadable messages.*({words})"):
        replay(made(tmp_path, spoilt(text)), [order()], Settings())


def test_one_message_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"1 of \d+ messages \(1 times: .* shape, first in line \d+\)"):
        replay(made(tmp_path, spoilt("null", every=120)), [order()], Settings())


def test_a_stated_share_may_be_skipped_and_is_told(tmp_path: Path) -> None:
    path = made(tmp_path, spoilt("null", every=120))
    done = replay(path, [order(duration="5s")], Settings(), skip_unread=Decimal(1))
    assert done.unread.startswith("1 of ") and done.unread.endswith(" %")
    with pytest.raises(InvalidRequest, match=r"at most 0.1 % may be skipped \(--skip-unread\)"):
        replay(path, [order(duration="5s")], Settings(), skip_unread=Decimal("0.1"))


@pytest.mark.parametrize("text", ['[["60001.0","1",[]]]', '[["dear","1"]]', "null", "7"])
def test_a_rest_book_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, text: str) -> None:
    def change(one: dict[str, Any]) -> dict[str, Any]:
        if one["conn"].startswith("http"):
            one["raw"] = re.sub(r'"asks": \[\[.*\]\]', f'"asks": {text}', one["raw"])
        return one

    with pytest.raises(InvalidRequest, match=r"message in line \d+ is not what binance sends"):
        replay(made(tmp_path, change), [order()], Settings())


def test_a_recording_that_breaks_off_in_the_middle_has_no_result(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=600)
    cut = tmp_path / "cut.gz"
    cut.write_bytes(path.read_bytes()[:-1_000])
    with pytest.raises(InvalidRequest, match=r"it breaks off after line \d+ .*head -n \d+"):
        replay(cut, [order()], Settings())


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"exchange": "kraken"}, "order one is for kraken, and the recording is of binance"),
        ({"start_time": "2024-08-08T22:00:00Z"}, "order one starts at .*, and the recording begins at"),
        (
            {"start_time": "2024-08-08T23:54:13.99Z", "duration": "5ms", "interval": None, "slices": 1},
            "order one starts at|order one ends at",
        ),
        ({"start_time": "+1h"}, "order one starts at .*, and the recording ends at"),
    ],
)
def test_an_order_that_does_not_fit_the_recording(
    tmp_path: Path, changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        replay(market(tmp_path / "a.gz", seconds=10), [order(**changed)], Settings())


def test_an_instrument_without_messages_is_told_with_those_that_have(tmp_path: Path) -> None:
    with pytest.raises(UnknownSymbol, match=r"order one: .* no message of DOGEUSDT; it has BTCUSDT"):
        replay(market(tmp_path / "a.gz", seconds=2), [order(symbol="DOGEUSDT")], Settings())


@pytest.mark.parametrize(
    ("conn", "words"),
    [
        ("wss://dstream.binance.com/stream", "line 1: a message of Binance's inverse futures"),
        ("wss://ws.kraken.com#book", "line 1: a message of Kraken's old protocol"),
        ("wss://ws.okx.com:8443/ws/v5/public", "okx's list of instruments, .*: give it with --instruments"),
    ],
)
def test_a_recording_of_something_else(tmp_path: Path, conn: str, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        replay(write(tmp_path / "a.gz", [row(1_723_161_254.0, "{}", conn=conn)]), [order()], Settings())


def test_command_says_what_was_skipped(tmp_path: Path) -> None:
    asked, folder = tmp_path / "order.json", tmp_path / "reports"
    asked.write_text(
        '{"token_id":"a","exchange":"binance","symbol":"BTCUSDT","quantity":1,"duration":5,"slices":5}'
    )
    path = made(tmp_path, spoilt("null", every=120))
    given = ["replay", str(path), "--order", str(asked), "--reports", str(folder)]
    refused = CliRunner().invoke(app, given)
    assert refused.exit_code == 1
    assert "no result" in refused.output and "Filled" not in refused.output
    done = CliRunner().invoke(app, [*given, "--skip-unread", "1"])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[1].startswith("skipped unreadable messages of the recording: 1 of ")
    assert "skipped unreadable messages" in (folder / "twap-a-report.html").read_text("utf-8")


def test_command(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=20)
    asked = tmp_path / "orders.json"
    asked.write_text(
        '[{"token_id":"mine","exchange":"binance","symbol":"btc-usdt","quantity":1.5,"duration":5,"slices":5}]'
    )
    folder = tmp_path / "reports"
    done = CliRunner().invoke(
        app, ["replay", str(path), "--order", str(asked), "--fills", "--reports", str(folder)]
    )
    assert done.exit_code == 0, done.output
    first, second, *others = done.output.splitlines()
    assert first.startswith("played ") and "messages/s" in first
    assert second.startswith("mine: buy 1.5 btc-usdt on binance, Filled: 1.5 at 600")
    assert sum(" slice " in line for line in others) >= 5
    assert any("shortfall" in line for line in others)
    assert "<html" in (folder / "twap-mine-report.html").read_text("utf-8")


def test_command_ends_with_5_where_an_order_was_rejected(tmp_path: Path) -> None:
    asked = tmp_path / "orders.json"
    one = {
        "token_id": "a",
        "exchange": "binance",
        "symbol": "btc-usdt",
        "quantity": 1,
        "duration": 5,
        "slices": 5,
    }
    asked.write_text(json.dumps([one, one | {"token_id": "b", "quantity": 0}]))
    done = CliRunner().invoke(
        app, ["replay", str(market(tmp_path / "a.gz", seconds=20)), "--order", str(asked)]
    )
    assert done.exit_code == 5, done.output
    assert "Rejected" in done.output and "Filled" in done.output


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "cannot read the order"), ('{"token_id":"a"}', "order 1: exchange: is missing")],
)
def test_command_says_what_is_wrong_with_an_order(tmp_path: Path, text: str, words: str) -> None:
    asked = tmp_path / "order.json"
    asked.write_text(text)
    done = CliRunner().invoke(
        app, ["replay", str(market(tmp_path / "a.gz", seconds=1)), "--order", str(asked)]
    )
    assert done.exit_code == 2
    assert words in done.output


def test_command_says_which_order_is_not_there(tmp_path: Path) -> None:
    asked = tmp_path / "nowhere.json"
    done = CliRunner().invoke(
        app, ["replay", str(market(tmp_path / "a.gz", seconds=1)), "--order", str(asked)]
    )
    assert done.exit_code == 2
    assert done.output == f"twap-server: cannot read the order {asked}: No such file or directory\n"


def test_command_tells_what_was_given_wrong_from_what_failed(tmp_path: Path) -> None:
    asked = tmp_path / "order.json"
    asked.write_text(
        '{"token_id":"a","exchange":"binance","symbol":"BTCUSDT","quantity":1,"duration":5,"slices":5}'
    )
    absent = CliRunner().invoke(app, ["replay", str(tmp_path / "absent.gz"), "--order", str(asked)])
    assert absent.exit_code == 2
    assert absent.output.endswith("absent.gz: No such file or directory\n")
    path = market(tmp_path / "a.gz", seconds=30)
    path.write_bytes(path.read_bytes()[:-100])
    broken = CliRunner().invoke(app, ["replay", str(path), "--order", str(asked)])
    assert broken.exit_code == 1 and "it breaks off" in broken.output


def _check_against_a_plain_book(done: Replayed, path: Path) -> None:
    """Mid and touch of every slice, recomputed from the rows by dictionaries."""
    slices = sorted(
        (
            (one.decided, record.order.terms.side.value, one)
            for record in done.records
            for one in record.slices
        ),
        key=lambda found: found[0] or 0,
    )
    bids: dict[Decimal, Decimal] = {}
    asks: dict[Decimal, Decimal] = {}
    events = list(recorded_rows(path))
    snapshot = next(json.loads(one["raw"]) for one in events if one["conn"].startswith("http"))
    _apply(bids, snapshot["bids"])
    _apply(asks, snapshot["asks"])
    at, checked = 0, 0
    for decided, side, one in slices:
        assert decided is not None
        while at < len(events) and round(float(events[at]["t"]) * 1e6) * 1_000 <= decided:
            data = json.loads(events[at]["raw"]).get("data", {})
            if data.get("e") == "depthUpdate" and data["u"] > snapshot["lastUpdateId"]:
                _apply(bids, data["b"])
                _apply(asks, data["a"])
            at += 1
        assert one.mid == (max(bids) + min(asks)) / 2
        assert one.touch == (min(asks) if side == "buy" else max(bids))
        checked += 1
    assert checked > 20


def _apply(side: dict[Decimal, Decimal], levels: list[tuple[str, str]]) -> None:
    for price, quantity in levels:
        if Decimal(quantity):
            side[Decimal(price)] = Decimal(quantity)
        else:
            side.pop(Decimal(price), None)
