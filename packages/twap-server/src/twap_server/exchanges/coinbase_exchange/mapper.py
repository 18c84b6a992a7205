"""Translate Coinbase's stream to the domain. In: bytes. Out: MarketEvents, numbers as sent."""

import re
from collections.abc import Mapping, Sequence

import msgspec

from twap_models.enums import Side
from twap_server.domain.clock import Nanos
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
from twap_server.exchanges.coinbase_exchange import refusals, wire
from twap_server.exchanges.decode import UNREADABLE, envelope, number, text_of

_decode_message = msgspec.json.Decoder(wire.Message).decode

_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_NOTHING: tuple[MarketEvent, ...] = ()
_LEVELS = {"changes", "bids", "asks"}
_TAKER = {"buy": Side.SELL, "sell": Side.BUY}
"""By the maker's side, which is what the exchange states."""
_PRODUCT = re.compile(r"[A-Z0-9]+-[A-Z0-9]+")


def to_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Translate one frame; ``symbols`` maps native to canonical, others are left out.

    Raises:
        WireFormatError: the frame is none of the manual's; see ``Exchange.decode``.
    """
    try:
        return _known_events(raw, symbols)
    except UNREADABLE:
        return _unknown_events(raw, symbols)


def _known_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    message = _decode_message(raw)
    match message:
        case wire.L2Update() | wire.Match() | wire.Snapshot():
            symbol = symbols.get(message.product_id)
            return _NOTHING if symbol is None else (_data(message, symbol),)
        case wire.Subscriptions():
            return _acknowledged(message, symbols)
        case wire.Error():
            return (_refusal(message, symbols),)
        case _:
            return _HEARTBEAT


def _data(message: wire.L2Update | wire.Match | wire.Snapshot, symbol: str) -> MarketEvent:
    if isinstance(message, wire.L2Update):
        return _change(message, symbol)
    if isinstance(message, wire.Match):
        return Trade(
            symbol=symbol,
            trade_id=str(message.trade_id),
            price=number(message.price),
            quantity=number(message.size),
            taker_side=_TAKER[message.side],
            ts_exchange=from_iso(message.time),
        )
    ts_exchange = from_iso(message.time) if message.time else Nanos(0)
    return BookSnapshot(symbol=symbol, bids=message.bids, asks=message.asks, ts_exchange=ts_exchange)


def _change(update: wire.L2Update, symbol: str) -> BookChange:
    bids: list[TextLevel] = []
    asks: list[TextLevel] = []
    for side, price, size in update.changes:
        (bids if side == "buy" else asks).append((price, size))
    return BookChange(symbol=symbol, bids=bids, asks=asks, ts_exchange=from_iso(update.time))


def _acknowledged(message: wire.Subscriptions, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    books = [
        one
        for channel in message.channels
        if channel.name.startswith("level2")
        for one in channel.product_ids
    ]
    known = [symbols[one] for one in books if one in symbols]
    return [Subscribed(request_id=None, symbol=one) for one in known] or (Subscribed(request_id=None),)


def _refusal(message: wire.Error, symbols: Mapping[str, str]) -> Refused:
    named = [symbols[one] for one in _PRODUCT.findall(message.reason) if one in symbols]
    text = f"{message.message}: {message.reason}"
    symbol = named[0] if len(named) == 1 else None
    return Refused(request_id=None, symbol=symbol, kind=refusals.of_text(text), message=text)


def _unknown_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Take a new type that has no levels as a heartbeat; say of all else which books it may have changed."""
    outer = envelope(raw)
    if outer is None:
        raise WireFormatError("a frame is no JSON object")
    kind, product = text_of(outer.get("type")), text_of(outer.get("product_id"))
    if kind in wire.NO_BOOKS:
        raise WireFormatError("a message about no book has an unexpected shape", doubted=())
    if kind not in (None, *wire.BOOKS) and not _LEVELS & outer.keys():
        return _HEARTBEAT
    raise WireFormatError(
        "a book message has an unexpected shape",
        doubted=None if product is None else [symbols[one] for one in (product,) if one in symbols],
    )


def encode(request: wire.Request) -> str:
    """Write a request."""
    return msgspec.json.encode(request).decode()
