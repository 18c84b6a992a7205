"""Translate Coinbase's stream to the domain. In: bytes. Out: MarketEvents, numbers as sent."""

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from twap_models.enums import Side
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    Heartbeat,
    MarketEvent,
    Refused,
    Subscribed,
    TextLevel,
    Trade,
)
from twap_server.domain.market.native import from_iso
from twap_server.exchanges.coinbase import refusals, wire
from twap_server.exchanges.decode import UNREADABLE, entries_of, envelope, number, text_of

decode = msgspec.json.Decoder(wire.Message).decode
"""Raises ``WRONG_SHAPE``: see ``unknown``."""

_decode_number = msgspec.json.Decoder(int).decode
_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_TAKER = {"BUY": Side.SELL, "SELL": Side.BUY}
"""By the maker's side, which is what the exchange states."""
_PRODUCT = re.compile(r"[A-Z0-9]+-[A-Z0-9]+")


def to_events(message: wire.Message, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Translate one message; ``symbols`` maps native to canonical, others are left out.

    Raises:
        WireFormatError: see ``Stream.decode``.
    """
    match message:
        case wire.L2Data():
            return _books(message, symbols)
        case wire.MarketTrades():
            return _trades(message, symbols)
        case wire.Subscriptions():
            return _acknowledged(message, symbols)
        case _:
            return _HEARTBEAT


def unknown(raw: bytes | str, symbols: Mapping[str, str]) -> tuple[int | None, Sequence[MarketEvent]]:
    """Read a frame of no known shape: its number, and what it says, or raise what it may have changed.

    A channel that is new and has no levels is a heartbeat.

    Raises:
        WireFormatError: see ``Stream.decode``.
    """
    outer = envelope(raw)
    if outer is None:
        raise WireFormatError("a frame is no JSON object")
    if text_of(outer.get("type")) == wire.ERROR:
        return number_of(raw), (_refusal(text_of(outer.get("message")) or "", symbols),)
    channel = text_of(outer.get("channel"))
    if channel in wire.NO_BOOKS:
        raise WireFormatError("a message about no book has an unexpected shape", doubted=())
    parts = [envelope(one) for one in entries_of(outer.get("events")) or (None,)]
    has_levels = any(one is None or "updates" in one for one in parts)
    if channel not in (None, wire.BOOKS) and not has_levels:
        return number_of(raw), _HEARTBEAT
    products = [text_of(one.get("product_id")) if one else None for one in parts]
    raise WireFormatError("a book message has an unexpected shape", doubted=_doubted(products, symbols))


def number_of(raw: bytes | str) -> int | None:
    """Read the number of a frame of any shape; None where it has none that can be read."""
    try:
        return _decode_number((envelope(raw) or {})["sequence_num"])
    except (*UNREADABLE, KeyError):
        return None


def _doubted(products: Iterable[str | None], symbols: Mapping[str, str]) -> list[str] | None:
    """Name the books of some products; None where one of those cannot be read."""
    found = []
    for one in products:
        if one is None:
            return None
        if one in symbols:
            found.append(symbols[one])
    return found


def _books(message: wire.L2Data, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    found: list[MarketEvent] = []
    try:
        time = from_iso(message.timestamp)
    except WireFormatError as error:
        error.doubted = _doubted((one.product_id for one in message.events), symbols)
        raise
    for event in message.events:
        symbol = symbols.get(event.product_id)
        if symbol is None:
            continue
        bids: list[TextLevel] = []
        asks: list[TextLevel] = []
        for level in event.updates:
            (bids if level.side == "bid" else asks).append((level.price_level, level.new_quantity))
        shape = BookChange if event.type == "update" else BookSnapshot
        found.append(shape(symbol=symbol, bids=bids, asks=asks, ts_exchange=time))
    return found


def _trades(message: wire.MarketTrades, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Translate what was traded since the last message, oldest first."""
    fresh = [
        one
        for event in message.events
        if event.type == "update"
        for one in event.trades
        if one.product_id in symbols
    ]
    fresh.sort(key=lambda one: (len(one.trade_id), one.trade_id))
    try:
        return [_trade(one, symbols[one.product_id]) for one in fresh]
    except WireFormatError as error:
        error.doubted = ()
        raise


def _trade(entry: wire.TradeEntry, symbol: str) -> Trade:
    return Trade(
        symbol=symbol,
        trade_id=entry.trade_id,
        price=number(entry.price),
        quantity=number(entry.size),
        taker_side=_TAKER[entry.side],
        ts_exchange=from_iso(entry.time),
    )


def _acknowledged(message: wire.Subscriptions, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    books = [one for event in message.events for one in event.subscriptions.level2 if one in symbols]
    return [Subscribed(request_id=None, symbol=symbols[one]) for one in books] or (
        Subscribed(request_id=None),
    )


def _refusal(text: str, symbols: Mapping[str, str]) -> Refused:
    named = [symbols[one] for one in _PRODUCT.findall(text) if one in symbols]
    symbol = named[0] if len(named) == 1 else None
    return Refused(request_id=None, symbol=symbol, kind=refusals.of_text(text), message=text)


def encode(request: wire.Request) -> str:
    """Write a request."""
    return msgspec.json.encode(request).decode()
