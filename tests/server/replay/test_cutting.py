"""A part that is cut out of a recording is one by itself: whole, and its orders fill as in all of it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from support.recorded_venue import NAMES, at, fills_of, order, recorded
from support.recordings import COINBASE_PRODUCTS, COINBASE_SIX, recording, rows
from support.tapes import market, row, write
from twap_models import OrderStatus
from twap_server.bootstrap import cut_recordings, replay
from twap_server.cli.main import app
from twap_server.domain.clock import SECOND, Nanos, to_iso
from twap_server.domain.errors import InvalidRequest, UnknownSymbol
from twap_server.recordings.check import verified
from twap_server.recordings.frames import frames
from twap_server.settings import Settings


def cut(
    given: Path, output: Path, *, begin: int, end: int, symbols: Sequence[str] = (), **others: Any
) -> list[str]:
    """Cut, and give what is said."""
    said: list[str] = []
    wanted = {"exchange": None, "instruments": None} | others
    cut_recordings(
        [given],
        begin=Nanos(begin),
        end=Nanos(end),
        symbols=symbols,
        output=output,
        announce=said.append,
        **wanted,
    )
    return said


@pytest.mark.long
def test_orders_fill_in_the_part_as_in_the_whole(tmp_path: Path) -> None:
    folder = asyncio.run(recorded(tmp_path, 8, symbols=["BTC-USDT", "ETH-USDT"]))
    whole = replay(folder, [], Settings())
    part = tmp_path / "part"
    begin, end = whole.start + 3 * SECOND, whole.start + 7 * SECOND
    cut(folder, part, begin=begin, end=end, symbols=["btc-usdt"])
    for name in NAMES:
        assert all(is_right for is_right, _ in verified(part / name))
    texts = [
        raw for name in ("binance", "kraken") for _, raw, _, conn in frames(part / name) if "ws" in conn[:2]
    ]
    assert any(b"BTC" in raw for raw in texts)
    changes = [raw for raw in texts if b"depthUpdate" in raw or b'"update"' in raw]
    assert changes and not any(b"ETH" in raw for raw in changes), "others are left out"
    orders = [order(name, name, quantity="0.1", start_time=at(whole, 4)) for name in NAMES]
    there, here = replay(folder, orders, Settings()).records, replay(part, orders, Settings()).records
    assert [one.order.status for one in here] == [OrderStatus.FILLED] * 3
    assert list(map(fills_of, here)) == list(map(fills_of, there))


def test_changes_that_are_newer_than_the_book_of_rest_stay(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=20)
    kept = [dict(one) for one in rows(path)]
    (book,) = [one for one in kept if one["conn"].startswith("http")]
    kept.remove(book)
    at_ = kept[30]["t"]
    late = write(tmp_path / "late.gz", [*kept[:30], book | {"t": at_}, *kept[30:]])
    begin = round(float(at_) + 3) * SECOND
    said = cut(late, tmp_path / "part", begin=begin, end=begin + 10 * SECOND)
    assert any("before --from: with the last whole book of BTC-USDT" in line for line in said)
    asked = order("a", "binance", quantity="2", duration="5s", start_time=to_iso(begin + SECOND))
    (there,), (here,) = (
        replay(one, [asked], Settings()).records for one in (late, tmp_path / "part" / "binance")
    )
    assert fills_of(here) == fills_of(there) != []


def test_of_one_instrument_only_its_messages_stay(tmp_path: Path) -> None:
    path, listing = recording(COINBASE_SIX), recording(COINBASE_PRODUCTS)
    moments = [at for at, *_ in frames(path)]
    begin, end = moments[0] + 15 * SECOND, moments[0] + 25 * SECOND
    said = cut(path, tmp_path / "part", begin=begin, end=end, symbols=["NMR-EUR"], instruments=listing)
    here = list(frames(tmp_path / "part" / "coinbase-exchange"))
    wanted = [
        (at, raw)
        for at, raw, *_ in frames(path)
        if at <= end and b'"NMR-EUR"' in raw and (at >= begin or b'"snapshot"' in raw or b'"l2update"' in raw)
    ]
    assert [(at, raw) for at, raw, *_ in here if b'"l2update"' in raw] == [
        one for one in wanted if b'"l2update"' in one[1]
    ]
    assert not any(b'"SKL-USD"' in raw and b'"l2update"' in raw for _, raw, *_ in here)
    assert "coinbase-exchange" in said[0] and "NMR-EUR" in said[2]


def test_what_cannot_be_cut(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=5)
    first = next(at for at, *_ in frames(path))
    later = first + 100 * SECOND
    with pytest.raises(InvalidRequest, match="has nothing from"):
        cut(path, tmp_path / "part", begin=later, end=later + SECOND)
    with pytest.raises(InvalidRequest, match="is not before --to"):
        cut(path, tmp_path / "part", begin=later, end=later)
    with pytest.raises(UnknownSymbol, match="binance lists no instrument 'DOGE-USDT'"):
        cut(path, tmp_path / "part", begin=first, end=later, symbols=["DOGE-USDT"])
    with pytest.raises(InvalidRequest, match="nothing of kraken is recorded there: it has binance"):
        cut(path, tmp_path / "part", begin=first, end=later, exchange="kraken")
    (tmp_path / "taken").mkdir()
    write(tmp_path / "taken" / "b.jsonl.gz", [row(1.0, "{}")])
    with pytest.raises(InvalidRequest, match="taken is not empty: name a new folder"):
        cut(path, tmp_path / "taken", begin=first, end=later)


def test_an_exchange_that_nobody_asked_for_is_in_nobodys_way(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    for name in ("binance", "kraken"):
        (folder / name).mkdir(parents=True)
    path = market(folder / "binance" / "a.jsonl.gz", seconds=5)
    first = next(at for at, *_ in frames(path))
    listing = row(1.0, "{}", conn="https://api.kraken.com/0/public/AssetPairs")
    write(folder / "kraken" / "a.jsonl.gz", [listing])
    said = cut(folder, tmp_path / "part", begin=first, end=first + 3 * SECOND)
    assert said[0].startswith("binance: ") and [one.name for one in (tmp_path / "part").iterdir()] == [
        "binance"
    ]
    with pytest.raises(InvalidRequest, match="nothing of kraken is recorded there: it has binance"):
        cut(folder, tmp_path / "other", begin=first, end=first + SECOND, exchange="kraken")
    with pytest.raises(InvalidRequest, match="kraken holds no message of a WebSocket"):
        cut(folder / "kraken", tmp_path / "other", begin=first, end=first + SECOND)


def test_a_cut_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=20)
    first = next(at for at, *_ in frames(path))
    path.write_bytes(path.read_bytes()[:-2_000])
    with pytest.raises(InvalidRequest, match="breaks off"):
        cut(path, tmp_path / "part", begin=first + SECOND, end=first + 100 * SECOND)
    assert list(tmp_path.iterdir()) == [path], "a second try is not told that the folder is not empty"


def test_the_command(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=5)
    given = ["recordings", "cut", str(path), "--output", str(tmp_path / "part")]
    done = CliRunner().invoke(
        app, [*given, "--from", "2024-08-08T23:54:15", "--to", "2024-08-09T01:54:16+02:00"]
    )
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("binance: ")
    assert done.stderr == (
        "--from 2024-08-08T23:54:15 has no zone and is taken as UTC: 2024-08-08T23:54:15.000000Z\n"
    )
    assert CliRunner().invoke(app, ["recordings", "verify", str(tmp_path / "part")]).exit_code == 0
    from_its_begin = ["recordings", "cut", str(path), "--from", "+1s", "--to", "+2500ms"]
    done = CliRunner().invoke(app, [*from_its_begin, "--output", str(tmp_path / "second")])
    assert done.exit_code == 0 and done.stderr == "", done.output
    first, last = (
        next(at for at, *_ in frames(path)),
        max(at for at, *_ in frames(tmp_path / "second" / "binance")),
    )
    assert 2 * SECOND < last - first <= 2.5 * SECOND
    wrong = CliRunner().invoke(app, [*given, "--from", "noon", "--to", "2024-08-08T23:54:16Z"])
    assert wrong.exit_code == 2 and "--from 'noon': expected a time" in wrong.output
    late = CliRunner().invoke(app, [*given[:-1], str(tmp_path / "c"), "--from", "+3s", "--to", "+3000ms"])
    assert late.exit_code == 2 and "is not before --to" in late.output
