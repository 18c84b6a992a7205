"""Recordings made by hand: a small Binance market whose every row is written by a seed."""

import gzip
import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from twap_server.recordings.rows import Row

SOCKET = "wss://stream.binance.com:9443/stream"
REST = "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000"
LISTING = "https://api.binance.com/api/v3/exchangeInfo"
T0_MS = 1_723_161_254_000
_MID, _LEVELS = 60_000, 30


def row(seconds: float | None, raw: str, *, conn: str = SOCKET, direction: str = "in") -> Row:
    return Row(t=seconds, dir=direction, conn=conn, raw=raw)


def write(path: Path, rows: Iterable[Row | Mapping[str, Any]]) -> Path:
    with gzip.open(path, "wb") as lines:
        lines.writelines(msgspec.json.encode(one) + b"\n" for one in rows)
    return path


def market(path: Path, *, seconds: int, seed: int = 1) -> Path:
    """Ten book changes and some trades a second; the snapshot comes after the second change."""
    rng = random.Random(seed)
    bids = {_MID - step: 5 for step in range(1, _LEVELS)}
    asks = {_MID + step: 5 for step in range(1, _LEVELS)}
    rows, last = [], 100
    for number in range(seconds * 10):
        at_ms = T0_MS + number * 100 + rng.randrange(50)
        changed = [_change(side, rng) for side in (bids, asks)]
        rows.append(row(at_ms / 1000, _depth(at_ms, last + 1, last + 2, *changed)))
        last += 2
        if rng.random() < 0.5:
            rows.append(row(at_ms / 1000 + 0.001, _trade(at_ms, number, rng)))
        if number == 1:
            body = {"lastUpdateId": last, "bids": _levels(bids), "asks": _levels(asks)}
            rows.append(row(at_ms / 1000 + 0.002, json.dumps(body), conn=REST))
    return write(path, rows)


def listing() -> Row:
    """The list of instruments, as it came over REST."""
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": "0.01000000"},
        {"filterType": "LOT_SIZE", "stepSize": "0.00001000", "minQty": "0.00001000"},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
    ]
    entry: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
    }
    entry |= {"isSpotTradingAllowed": True, "filters": filters}
    return row(None, json.dumps({"symbols": [entry]}), conn=LISTING)


def busy(path: Path, *, seconds: int, every_ms: int = 1) -> Path:
    """The list of instruments, a deep book that changes ten times a second, and a trade every millisecond."""
    rng = random.Random(1)
    bids = {_MID - step: 50 for step in range(1, _LEVELS)}
    asks = {_MID + step: 50 for step in range(1, _LEVELS)}
    body = json.dumps({"lastUpdateId": 100, "bids": _levels(bids), "asks": _levels(asks)})
    rows = [listing(), row(T0_MS / 1000, body, conn=REST)]
    last = 100
    for at_ms in range(T0_MS + 1, T0_MS + seconds * 1_000):
        if at_ms % 100 == 0:
            rows.append(row(at_ms / 1000, _depth(at_ms, last + 1, last + 1, {_MID - 9: 50}, {})))
            last += 1
        if at_ms % every_ms == 0:
            rows.append(row(at_ms / 1000 + 0.0005, _trade(at_ms, at_ms - T0_MS, rng)))
    return write(path, rows)


def without(path: Path, begin: float, end: float) -> Path:
    """The same recording without what was received between two moments, in seconds after ``T0_MS``."""
    with gzip.open(path, "rb") as lines:
        rows = [msgspec.json.decode(line) for line in lines]
    kept = [one for one in rows if not begin <= one["t"] - T0_MS / 1000 < end]
    return write(path, kept)


def _change(side: dict[int, int], rng: random.Random) -> dict[int, int]:
    """New sizes of some levels; the best ones come and go."""
    changed = {price: rng.randrange(0, 9) for price in rng.sample(sorted(side), 4)}
    side |= changed
    return changed


def _levels(side: dict[int, int]) -> list[tuple[str, str]]:
    return [(f"{price}.00000000", f"{size}.00000000") for price, size in side.items()]


def _depth(at_ms: int, first: int, last: int, bids: dict[int, int], asks: dict[int, int]) -> str:
    data = {"e": "depthUpdate", "E": at_ms, "s": "BTCUSDT", "U": first, "u": last}
    data |= {"b": _levels(bids), "a": _levels(asks)}
    return json.dumps({"stream": "btcusdt@depth@100ms", "data": data})


def _trade(at_ms: int, number: int, rng: random.Random) -> str:
    data = {"e": "trade", "E": at_ms, "s": "BTCUSDT", "t": number, "T": at_ms, "m": True}
    data |= {"p": f"{_MID}.00000000", "q": f"0.{rng.randrange(1, 9)}0000000"}
    return json.dumps({"stream": "btcusdt@trade", "data": data})
