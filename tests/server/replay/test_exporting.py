"""Tables of a recording hold its figures, to the last digit: compared with a second, plain reader."""

import csv
import gzip
import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from support.recordings import BINANCE_BTCUSDT, KRAKEN_BTCUSD, recording
from support.tapes import market
from twap_server.bootstrap import export_recordings
from twap_server.cli.main import app
from twap_server.domain.errors import InvalidRequest
from twap_server.recordings.tables import ParquetTables
from twap_server.replay.market_rows import TradeRow

Side = dict[Decimal, Decimal]


def exported(path: Path, folder: Path) -> dict[str, list[dict[str, str]]]:
    export_recordings([path], parquet=None, csv=folder, symbols=[], instruments=None, announce=lambda _: None)
    return {one.stem: list(csv.DictReader(one.read_text().splitlines())) for one in sorted(folder.iterdir())}


class Plain:
    """A Binance book by dictionaries, straight from the rows."""

    def __init__(self) -> None:
        self.bids: Side = {}
        self.asks: Side = {}
        self.held: list[Any] = []
        self.last_id = 0

    @property
    def is_live(self) -> bool:
        return bool(self.last_id)

    def take(self, row: dict[str, Any]) -> bool:
        """Take a row in; whether it was about the book."""
        body = json.loads(row["raw"])
        if row["conn"].startswith("http"):
            if self.is_live or "lastUpdateId" not in body:
                return False
            self._apply(body["bids"], body["asks"])
            self.last_id = body["lastUpdateId"]
            for change in self.held:
                self._change(change)
            return any(one["u"] > body["lastUpdateId"] for one in self.held)
        data = body.get("data", {})
        if data.get("e") != "depthUpdate":
            return False
        if not self.is_live:
            self.held.append(data)
            return False
        return self._change(data)

    def _change(self, data: dict[str, Any]) -> bool:
        if data["u"] <= self.last_id:
            return False
        self._apply(data["b"], data["a"])
        self.last_id = data["u"]
        return True

    def _apply(self, bids: list[Any], asks: list[Any]) -> None:
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            for price, quantity in levels:
                side[Decimal(price)] = Decimal(quantity)
                if not Decimal(quantity):
                    del side[Decimal(price)]

    def best(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        bid, ask = max(self.bids), min(self.asks)
        return bid, self.bids[bid], ask, self.asks[ask]

    def top(self, depth: int) -> list[tuple[Decimal, Decimal, Decimal, Decimal]]:
        bids = sorted(self.bids.items(), reverse=True)[:depth]
        asks = sorted(self.asks.items())[:depth]
        return [(*bid, *ask) for bid, ask in zip(bids, asks, strict=True)]


def plain_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with gzip.open(path, "rt") as lines:
        for row in map(json.loads, lines):
            if row["dir"] == "in":
                yield round(float(row["t"]) * 1e6), row


def checked(path: Path, tables: dict[str, list[dict[str, str]]]) -> tuple[int, int]:
    """Compare each table with the plain reader; gives how many best prices and seconds were compared."""
    book, trades = Plain(), []
    best: list[tuple[str, ...]] = []
    tops: list[tuple[str, ...]] = []
    before = 0
    for at, row in plain_rows(path):
        for second in range((before or at) // 1_000_000 + 1, at // 1_000_000 + 1) if before else ():
            if book.is_live and best:
                tops += [(str(second), str(n), *map(text, one)) for n, one in enumerate(book.top(10), 1)]
        before = at
        data = json.loads(row["raw"]).get("data", {})
        if data.get("e") == "trade":
            trades.append((str(data["t"]), *map(text, (Decimal(data["p"]), Decimal(data["q"])))))
        if book.take(row):
            now = tuple(map(text, book.best()))
            if not best or best[-1] != now:
                best.append(now)
    columns = ("bid", "bid_quantity", "ask", "ask_quantity")
    values = ("trade_id", "price", "quantity")
    assert [tuple(normal(one[name]) for name in values) for one in tables["trades"]] == trades
    assert [tuple(normal(one[name]) for name in columns) for one in tables["best_prices"]] == best
    assert [
        (seconds(one), one["level"], *(normal(one[name]) for name in columns)) for one in tables["top10"]
    ] == tops
    return len(best), len(tops)


def text(number: Decimal) -> str:
    return f"{number.normalize():f}"


def normal(value: str) -> str:
    return text(Decimal(value))


def seconds(row: dict[str, str]) -> str:
    return str(int(datetime.fromisoformat(row["time"]).timestamp()))


def test_a_made_market_to_the_last_digit(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=30)
    assert all(checked(path, exported(path, tmp_path / "tables")))


@pytest.mark.long
def test_the_verified_figures_of_a_recorded_book(tmp_path: Path) -> None:
    path = recording(BINANCE_BTCUSDT)
    tables = exported(path, tmp_path / "tables")
    trades = tables["trades"]
    assert len(trades) == 19_904
    ids = [int(one["trade_id"]) for one in trades]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    prices = [Decimal(one["price"]) for one in trades]
    assert (min(prices), max(prices)) == (Decimal("61556.04"), Decimal("61860.80"))
    bests, tops = checked(path, tables)
    assert bests > 3_000 and tops == 650 * 10


def test_best_prices_of_a_book_with_checksums(tmp_path: Path) -> None:
    tables = exported(recording(KRAKEN_BTCUSD), tmp_path / "tables")
    assert {one["symbol"] for one in tables["best_prices"]} == {"BTC-USD"}
    assert all(one["bid"] and Decimal(one["bid"]) < Decimal(one["ask"]) for one in tables["best_prices"])


def test_parquet_holds_what_csv_holds(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    path = market(tmp_path / "a.gz", seconds=30)
    tables = exported(path, tmp_path / "csv")
    given = ["recordings", "export", str(path), "--parquet", str(tmp_path / "parquet"), "--symbol", "btcusdt"]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    for name, expected in tables.items():
        read = pq.read_table(tmp_path / "parquet" / f"{name}.parquet")
        assert f"{name}: {len(expected):,} rows" in done.output
        assert read.num_rows == len(expected) > 0
        for column in ({"price", "quantity", "bid", "ask_quantity"}) & set(read.column_names):
            values = read.column(column).to_pylist()
            assert values == [Decimal(one[column]) for one in expected]
        assert str(read.schema.field(read.column_names[0]).type) == "timestamp[ns, tz=UTC]"


def test_a_number_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    row = TradeRow(1, None, "a", "A-B", "1", Decimal("1e-19"), Decimal(1), "buy")  # type: ignore[arg-type]
    with (
        pytest.raises(InvalidRequest, match=r"more than 20 digits .* write --csv"),
        ParquetTables(tmp_path, {TradeRow: "trades"}) as tables,
    ):
        tables.add(row)


def contents(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def broken_off(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-2_000])
    return path


@pytest.mark.parametrize("kind", ["--csv", "--parquet"])
@pytest.mark.parametrize("force", [[], ["--force"]])
def test_what_fails_leaves_the_tables_that_were_there(tmp_path: Path, kind: str, force: list[str]) -> None:
    if kind == "--parquet":
        pytest.importorskip("pyarrow")
    path, tables = market(tmp_path / "a.gz", seconds=20), tmp_path / "tables"
    given = ["recordings", "export", str(path), kind, str(tables)]
    assert CliRunner().invoke(app, given).exit_code == 0
    before = contents(tables)
    assert len(before) == 3
    wrong = CliRunner().invoke(app, [*given, *force, "--symbol", "XRP-USDT"])
    assert wrong.exit_code == 2 and contents(tables) == before, wrong.output
    broken_off(path)
    damaged = CliRunner().invoke(app, [*given, *force])
    assert damaged.exit_code == (1 if force else 2) and contents(tables) == before, damaged.output


@pytest.mark.parametrize("kind", ["--csv", "--parquet"])
def test_a_damaged_recording_leaves_no_table_that_looks_whole(tmp_path: Path, kind: str) -> None:
    if kind == "--parquet":
        pytest.importorskip("pyarrow")
    path = broken_off(market(tmp_path / "a.gz", seconds=20))
    new = tmp_path / "below" / "tables"
    done = CliRunner().invoke(app, ["recordings", "export", str(path), kind, str(new)])
    assert done.exit_code == 1 and "breaks off" in done.output
    assert list(tmp_path.iterdir()) == [path], "no folder stays, either"


def test_tables_are_replaced_only_where_that_was_said(tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    given = ["recordings", "export", str(market(tmp_path / "a.gz", seconds=5)), "--csv", str(tables)]
    assert CliRunner().invoke(app, given).exit_code == 0
    old = contents(tables)
    (tables / "notes.txt").write_text("mine")
    market(tmp_path / "a.gz", seconds=20)
    refused = CliRunner().invoke(app, given)
    assert refused.exit_code == 2
    assert "tables has trades.csv, best_prices.csv, top10.csv already" in refused.output
    assert "--force" in refused.output and contents(tables) == old | {"notes.txt": b"mine"}
    assert CliRunner().invoke(app, [*given, "--force"]).exit_code == 0
    assert len(contents(tables)["trades.csv"]) > len(old["trades.csv"])
    assert contents(tables).keys() == old.keys() | {"notes.txt"}


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    path = market(tmp_path / "a.gz", seconds=1)
    done = CliRunner().invoke(app, ["recordings", "export", str(path), "--csv", str(path / "tables")])
    assert done.exit_code == 2 and "cannot write into" in done.output


def test_one_kind_of_tables_is_needed(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["recordings", "export", str(market(tmp_path / "a.gz", seconds=1))])
    assert done.exit_code != 0 and "--parquet FOLDER, or --csv FOLDER" in done.output
