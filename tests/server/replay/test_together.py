"""Recordings of several exchanges, as the server writes them of simulated ones, are replayed together."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from support.recorded_venue import NAMES, at, fills_of, order, recorded
from support.recordings import rows
from support.tapes import market, write
from twap_models import OrderStatus, SliceOutcome
from twap_server.bootstrap import replay
from twap_server.cli.main import app
from twap_server.domain.clock import SECOND
from twap_server.domain.errors import InvalidRequest
from twap_server.settings import Settings

KRAKEN_BOOK = (
    '{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":60000.1,"qty":1.5}],'
    '"asks":[{"price":60000.2,"qty":2.5}],"checksum":0,"timestamp":"2024-08-08T23:54:14Z"}]}'
)


@pytest.mark.long
def test_what_a_server_records_of_several_exchanges_is_replayed_together(tmp_path: Path) -> None:
    folder = asyncio.run(recorded(tmp_path, 5))
    first = replay(folder, [], Settings())
    starts = {"start_time": at(first, 2)}
    orders = [order("a", "binance", **starts), order("b", "kraken", side="sell", **starts)]
    orders += [order("all", "aggregate", quantity="0.5", **starts)]
    done = replay(folder, orders, Settings())
    assert done.frames == sum(replay(folder / name, [], Settings()).frames for name in NAMES) > 100
    assert [one.order.status for one in done.records] == [OrderStatus.FILLED] * 3
    assert len({fill.exchange for fill in done.records[2].fills}) > 1
    assert replay([folder / name for name in NAMES], orders, Settings()).records == done.records
    both = replay(folder, orders[:2], Settings()).records  # an order on aggregate takes from the same books
    for name, wanted, record in zip(("binance", "kraken"), orders[:2], both, strict=True):
        (alone,) = replay(folder / name, [wanted], Settings()).records
        assert fills_of(alone) == fills_of(record), "what else is played changes nothing"


@pytest.mark.long
def test_a_book_is_lost_where_its_recorded_connection_ended_and_goes_on_with_the_next(
    tmp_path: Path,
) -> None:
    folder = asyncio.run(recorded(tmp_path, 4, breaks="coinbase"))
    (file,) = (folder / "coinbase").glob("*.gz")
    kept = [dict(one) for one in rows(file)]
    (ended,) = [number for number, one in enumerate(kept) if one["dir"] == "end"][:1]
    later = [one | {"t": one["t"] + (2 * SECOND if number > ended else 0)} for number, one in enumerate(kept)]
    assert len({one["conn"] for one in later if one["dir"] == "open"}) == 2, "the server connected twice"
    lasting = order("a", "coinbase", quantity="1", duration="20s", interval="100ms")
    (record,) = replay(write(tmp_path / "later.gz", later), [lasting], Settings()).records
    end = int(later[ended]["t"])
    missed = [
        ((one.decided or 0) - end, one.reason)
        for one in record.slices
        if one.outcome is not SliceOutcome.FILLED
    ]
    assert len(missed) >= 20, "slices fall between the two connections"
    assert all(0 < after < 3 * SECOND for after, _ in missed), missed
    assert record.slices[-1].outcome is SliceOutcome.FILLED, "the book is live again"


def test_recordings_of_different_times_are_refused(tmp_path: Path) -> None:
    now, before = market(tmp_path / "a.gz", seconds=2), tmp_path / "b.gz"
    aged = [dict(one) | {"t": float(one["t"]) - 200_000} for one in rows(market(before, seconds=2))]
    kraken = [one | {"conn": "wss://ws.kraken.com/v2", "raw": KRAKEN_BOOK} for one in aged]
    with pytest.raises(InvalidRequest, match="no recording has anything between 2024-08-0"):
        replay([now, write(before, kraken)], [order("a", "binance")], Settings())


def test_a_recording_given_twice_is_refused(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=2)
    with pytest.raises(InvalidRequest, match=r"a.gz is given twice: name each recording once"):
        replay([path, path], [], Settings())


def with_kraken(tmp_path: Path, *texts: str) -> list[Path]:
    """A made market of Binance, and messages of Kraken at its times, first a book."""
    path = market(tmp_path / "binance.gz", seconds=5)
    times = [one["t"] for one in rows(path)]
    lines = [
        {"t": at, "dir": "in", "conn": "wss://ws.kraken.com/v2", "raw": raw}
        for at, raw in zip(times, (KRAKEN_BOOK, *texts), strict=False)
    ]
    return [path, write(tmp_path / "kraken.gz", lines)]


def test_what_cannot_be_read_is_named_with_its_file(tmp_path: Path) -> None:
    paths = with_kraken(tmp_path)
    paths[0] = write(
        tmp_path / "spoilt.gz",
        [dict(one) | ({"raw": "7"} if number == 5 else {}) for number, one in enumerate(rows(paths[0]))],
    )
    with pytest.raises(InvalidRequest, match=r"spoilt.gz has unreadable messages, .* first in line 6"):
        replay(paths, [order("a", "binance", duration="1s")], Settings())


def test_a_list_without_the_name_of_its_exchange_is_refused(tmp_path: Path) -> None:
    listing = tmp_path / "list.json"
    listing.write_text("{}")
    paths = with_kraken(tmp_path)
    with pytest.raises(InvalidRequest, match=r"of which exchange is .*list.json\? say it as EXCHANGE="):
        replay(paths, [], Settings(), instruments=listing)
    with pytest.raises(
        InvalidRequest, match="a list of okx is given, and the recordings are of binance, kraken"
    ):
        replay(paths, [], Settings(), instruments={"okx": listing})


def test_the_command_takes_several_recordings(tmp_path: Path) -> None:
    paths = with_kraken(tmp_path, '{"channel":"heartbeat"}')
    asked = tmp_path / "order.json"
    asked.write_text(json.dumps({
        "token_id": "a", "exchange": "aggregate", "symbol": "BTC-USDT", "side": "buy", "quantity": 1,
        "duration": 2, "slices": 4,
    }))  # fmt: skip
    done = CliRunner().invoke(app, ["replay", *map(str, paths), "--order", str(asked)])
    assert done.exit_code == 0, done.output
    assert "on aggregate, Filled: 1 at " in done.output
    twice = ["--instruments", str(asked), "--instruments", str(asked)]
    refused = CliRunner().invoke(app, ["replay", *map(str, paths), "--order", str(asked), *twice])
    assert refused.exit_code == 2 and "say it as EXCHANGE=" in refused.output
