"""A recording of the venue's synthetic order flow around a fair price that never moves: no drift."""

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

from support.tapes import REST, T0_MS, row, write
from twap_server.recordings.rows import Row
from twap_server.venue.book import Level
from twap_server.venue.flow import Action, FlowParameters, OrderFlow
from twap_server.venue.source import Spec

FAIR = 6_000_000
_STEP_S = 0.1
_SPEC = Spec(
    symbol="BTCUSDT", base="BTC", quote="USDT", price_decimals=2, step=1_000, min_qty=1_000, min_notional="5"
)


def calm_market(path: Path, *, seconds: int, seed: int = 1) -> Path:
    """Ten book changes a second, and the trades of the same flow; the snapshot comes first."""
    flow = OrderFlow(_SPEC, fair=FAIR, seed=f"calm {seed}", parameters=FlowParameters(levels=200))
    list(flow.step(FAIR, _STEP_S))
    return write(path, _rows(flow, seconds))


def _rows(flow: OrderFlow, seconds: int) -> Iterator[Row]:
    book = {
        "lastUpdateId": 100,
        "bids": _texts(flow.book.bids.top(10_000)),
        "asks": _texts(flow.book.asks.top(10_000)),
    }
    yield row(T0_MS / 1000, json.dumps(book), conn=REST)
    trades = 0
    for number in range(1, round(seconds / _STEP_S)):
        at_ms = T0_MS + round(number * _STEP_S * 1000)
        actions = list(flow.step(FAIR, _STEP_S))
        yield row(at_ms / 1000, _depth(at_ms, 100 + number, actions))
        for action in actions:
            for level in action.trades:
                trades += 1
                yield row(at_ms / 1000, _trade(at_ms, trades, level, buys=action.taker_buys))


def _depth(at_ms: int, last: int, actions: list[Action]) -> str:
    bids = {price: size for action in actions for price, size in action.bids}
    asks = {price: size for action in actions for price, size in action.asks}
    data = {"e": "depthUpdate", "E": at_ms, "s": "BTCUSDT", "U": last, "u": last}
    data |= {"b": _texts(bids.items()), "a": _texts(asks.items())}
    return json.dumps({"stream": "btcusdt@depth@100ms", "data": data})


def _trade(at_ms: int, number: int, level: Level, *, buys: bool) -> str:
    ((price, size),) = _texts([level])
    data = {"e": "trade", "E": at_ms, "s": "BTCUSDT", "t": number, "T": at_ms, "m": not buys}
    return json.dumps({"stream": "btcusdt@trade", "data": data | {"p": price, "q": size}})


def _texts(levels: Iterable[Level]) -> list[tuple[str, str]]:
    return [(f"{Decimal(at).scaleb(-2):.2f}", f"{Decimal(size).scaleb(-8):.8f}") for at, size in levels]
