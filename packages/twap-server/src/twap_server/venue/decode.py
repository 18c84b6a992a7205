"""Turn recorded messages into events, so that the venue's own book follows the recording.

The events keep the recorded text (with shifted times) for the wire and carry integers for the book.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from twap_server.domain.clock import from_epoch
from twap_server.venue import instruments, tape, text
from twap_server.venue.book import Level
from twap_server.venue.candles import VenueTrade
from twap_server.venue.source import BookEvent, Event, Pair, Spec, TickerEvent, TradeEvent
from twap_server.venue.tape import TapeRow


def binance_levels(side: Iterable[Sequence[str]], spec: Spec) -> tuple[Level, ...]:
    """Read Binance's pairs of texts."""
    return tuple(
        (text.scaled(price, spec.price_decimals), text.scaled(qty, text.QTY_DECIMALS)) for price, qty in side
    )


def decode(row: TapeRow, pair: Pair, *, time: int, shift: Callable[[int], int], depth: int) -> Event | None:
    """Make the event of a row; None for what is not streamed (answers, heartbeats)."""
    if row.venue == instruments.KRAKEN:
        return _kraken(row, pair, time=time, shift=shift, depth=depth)
    data = row.message.get("data")
    if not isinstance(data, dict):
        return None
    frame = tape.payload(tape.shifted(row.raw, row.venue, shift=shift))
    kind = data.get("e", "bookTicker")
    if kind == "depthUpdate":
        return _diff(data, pair.spec, time=time, frame=frame)
    if kind == "trade":
        return _trade(data, pair.spec, time=shift(from_epoch(int(data["T"]))), frame=frame)
    return _ticker(data, pair.spec, time=time, frame=frame) if kind == "bookTicker" else None


def _diff(data: dict[str, Any], spec: Spec, *, time: int, frame: str) -> BookEvent:
    return BookEvent(
        venue=instruments.BINANCE,
        symbol=spec.symbol,
        time=time,
        bids=binance_levels(data["b"], spec),
        asks=binance_levels(data["a"], spec),
        first_id=data["U"],
        last_id=data["u"],
        text=frame,
    )


def _trade(data: dict[str, Any], spec: Spec, *, time: int, frame: str) -> TradeEvent:
    trade = VenueTrade(
        id=data["t"],
        price=text.scaled(data["p"], spec.price_decimals),
        qty=text.scaled(data["q"], text.QTY_DECIMALS),
        time=time,
        taker_buys=not data["m"],
    )
    return TradeEvent(venue=instruments.BINANCE, symbol=spec.symbol, time=time, trades=(trade,), text=frame)


def _ticker(data: dict[str, Any], spec: Spec, *, time: int, frame: str) -> TickerEvent:
    bid, ask = binance_levels(((data["b"], data["B"]), (data["a"], data["A"])), spec)
    return TickerEvent(
        venue=instruments.BINANCE,
        symbol=spec.symbol,
        time=time,
        update_id=data["u"],
        bid=bid,
        ask=ask,
        text=frame,
    )


def _kraken(
    row: TapeRow, pair: Pair, *, time: int, shift: Callable[[int], int], depth: int
) -> BookEvent | None:
    if row.message.get("channel") != "book":
        return None
    data = json.loads(row.raw, parse_float=Decimal, parse_int=Decimal)["data"][0]
    snapshot = tape.is_snapshot(row)
    bids, asks = (_kraken_levels(data[side], pair.spec) for side in ("bids", "asks"))
    return BookEvent(
        venue=instruments.KRAKEN,
        symbol=pair.spec.symbol,
        time=time,
        bids=bids,
        asks=asks,
        snapshot=snapshot,
        text=tape.shifted(row.raw, row.venue, shift=shift),
        text_depth=depth,
    )


def _kraken_levels(side: Iterable[dict[str, Decimal]], spec: Spec) -> tuple[Level, ...]:
    return tuple(
        (
            text.scaled(f"{level['price']:f}", spec.price_decimals),
            text.scaled(f"{level['qty']:f}", text.QTY_DECIMALS),
        )
        for level in side
    )
