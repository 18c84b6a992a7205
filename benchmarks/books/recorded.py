"""Recorded books as a race takes them: the depth messages of one connection, with the snapshots they follow.

In: the recordings' folder (``TWAP_RECORDINGS``, default ``../shared/market-data``). Out: a stream, or
FileNotFoundError with words that say what to do.
"""

import gzip
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.books.stream import Stream
from twap_server.domain.market.instrument import TRADING, Instrument, InstrumentId

_ROOT = Path(os.environ.get("TWAP_RECORDINGS", Path(__file__).parents[2].parent / "shared" / "market-data"))
_BINANCE = "binance/spot-btcusdt-2024-08-08.jsonl.gz"
_COINBASE = "coinbase/exchange-6-products-2021-04-17.jsonl.gz"


def binance_stream() -> Stream:
    """BTCUSDT, 2024: 6,500 changes of a busy book, 100 ms apart; those older than the snapshot left out."""
    rows = list(_rows(_BINANCE))
    body = next(row["raw"] for row in rows if "/depth?" in row["conn"])
    last_id = json.loads(body)["lastUpdateId"]
    timed = [(row["t"], "BTCUSDT", row["raw"]) for row in rows if _changes_after(last_id, row["raw"])]
    return _stream("recorded Binance", "binance", {"BTCUSDT": ("BTC", "USDT")}, [("BTCUSDT", body)], timed)


def coinbase_stream() -> Stream:
    """Six quiet products of 2021 on one connection: 6,348 changes in half a minute."""
    snapshots: list[tuple[str, str]] = []
    timed: list[tuple[float, str, str]] = []
    for row in _rows(_COINBASE):
        message = json.loads(row["raw"])
        if message["type"] == "snapshot":
            snapshots.append((message["product_id"], row["raw"]))
        elif message["type"] == "l2update":
            timed.append((row["t"], message["product_id"], row["raw"]))
    markets = {native: (native.partition("-")[0], native.partition("-")[2]) for native, _ in snapshots}
    return _stream("recorded Coinbase", "coinbase-exchange", markets, snapshots, timed)


def _changes_after(last_id: int, raw: str) -> bool:
    return "@depth" in raw and json.loads(raw)["data"]["u"] > last_id


def _rows(name: str) -> Iterator[dict[str, Any]]:
    path = _ROOT / name
    if not path.is_file():
        raise FileNotFoundError(f"no recording {name}: TWAP_RECORDINGS names the folder that holds them")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from (row for row in map(json.loads, lines) if row["dir"] == "in")


def _stream(
    name: str,
    exchange: str,
    markets: dict[str, tuple[str, str]],
    snapshots: list[tuple[str, str]],
    timed: list[tuple[float, str, str]],
) -> Stream:
    """``timed``: (seconds since the epoch, the exchange's symbol, raw text)."""
    seconds = [int(time) for time, _, _ in timed]
    return Stream(
        name=name,
        exchange=exchange,
        instruments=tuple(_instrument(exchange, native, *names) for native, names in markets.items()),
        snapshots=snapshots,
        messages=[(native, raw) for _, native, raw in timed],
        seconds=bytes(this != following for this, following in pairwise([*seconds, seconds[-1]])),
    )


def _instrument(exchange: str, native: str, base: str, quote: str) -> Instrument:
    """An instrument by its names; no benchmark of books looks at its grid."""
    step = Decimal("0.00000001")
    return Instrument(
        id=InstrumentId(exchange, f"{base}-{quote}"),
        native=native,
        base=base,
        quote=quote,
        tick_size=step,
        lot_size=step,
        min_quantity=step,
        min_notional=step,
        status=TRADING,
    )
