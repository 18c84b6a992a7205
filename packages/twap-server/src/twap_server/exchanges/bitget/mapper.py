"""Translate Bitget's stream to the domain. In: bytes. Out: MarketEvents, numbers as sent."""

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec
from msgspec import Raw

from twap_models.enums import Side
from twap_server.domain.market.entries import read_each
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
from twap_server.exchanges.bitget import refusals, wire
from twap_server.exchanges.decode import (
    decoder,
    entries_of,
    envelope,
    from_epoch,
    number,
    row_name,
    text_of,
    whole,
)

_decode_frame = decoder(wire.Frame)
_decode_books = decoder(list[wire.Book])
_decode_trades = decoder(list[wire.TradeEntry])
_decode_trade = decoder(wire.TradeEntry)

_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_NOTHING: tuple[MarketEvent, ...] = ()
_PONG = (b"pong", "pong")
"""No JSON. No heartbeat either: it comes as often as we ask, and says nothing of the pace."""
_NO_BOOKS = (wire.TRADES, wire.TICKER)
_LEVELS = {"bids", "asks"}
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}


def to_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Translate one frame; ``symbols`` maps native to canonical, others are left out.

    Raises:
        WireFormatError: the frame is none of the manual's; see ``Stream.decode``.
    """
    try:
        frame = _decode_frame(raw)
        if frame.arg is not None and not frame.event:
            return _data(frame, frame.arg, symbols)
        if frame.event and not frame.data:
            return _notice(frame, symbols)
    except WireFormatError:
        pass
    return _unknown_events(raw, symbols)


def _data(frame: wire.Frame, arg: wire.Arg, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    symbol = symbols.get(arg.inst_id)
    if arg.channel == wire.BOOKS:
        return _books(frame, arg.inst_id, symbol)
    if arg.channel == wire.TRADES:
        return _trades(frame, symbol)
    if arg.channel == wire.TICKER:
        return _HEARTBEAT
    raise WireFormatError("a message is about an unknown channel")


def _books(frame: wire.Frame, native: str, symbol: str | None) -> Sequence[MarketEvent]:
    if symbol is None and native:
        return _NOTHING
    books = _decode_books(bytes(frame.data))
    if symbol is None or not books:
        raise WireFormatError("a book message has no book, or no name")
    return [_book(one, frame.action, symbol) for one in books]


def _book(book: wire.Book, action: str, symbol: str) -> BookSnapshot | BookChange:
    bids, asks, at = levels(book.bids), levels(book.asks), from_epoch(whole(book.ts))
    last, previous = _number(book.seq), _number(book.pseq)
    if action == "snapshot":
        return BookSnapshot(symbol=symbol, bids=bids, asks=asks, last_id=last, ts_exchange=at)
    if action != "update" or not previous:
        raise WireFormatError("a book message is no snapshot, and follows none")
    return BookChange(
        symbol=symbol, bids=bids, asks=asks, first_id=previous + 1, last_id=last, ts_exchange=at
    )


def _number(told: int | str) -> int:
    """Read a number of a message, which one page of the manual calls a text."""
    return whole(str(told))


def levels(every: Sequence[wire.Level]) -> list[TextLevel]:
    """Take price and size of levels."""
    return [(one.price, one.size) for one in every]


def _trades(frame: wire.Frame, symbol: str | None) -> Sequence[MarketEvent]:
    """Read trades, oldest first. Those after subscribing are older than the subscription: no news."""
    if symbol is None or frame.action == "snapshot":
        return _NOTHING
    trades = [_trade(one, symbol) for one in _decode_trades(bytes(frame.data))]
    return sorted(trades, key=_order)


def _order(trade: Trade) -> tuple[int, int]:
    return trade.ts_exchange, whole(trade.trade_id)


def _trade(entry: wire.TradeEntry, symbol: str) -> Trade:
    side = _SIDES.get(entry.side)
    if side is None:
        raise WireFormatError("a trade has no side")
    return Trade(
        symbol=symbol,
        trade_id=entry.trade_id,
        price=number(entry.price),
        quantity=number(entry.size),
        taker_side=side,
        ts_exchange=from_epoch(whole(entry.ts)),
        is_numbered=False,
    )


def _notice(frame: wire.Frame, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Read an answer: it names its channel, never its request."""
    about_book = frame.arg is not None and frame.arg.channel == wire.BOOKS
    symbol = symbols.get(frame.arg.inst_id) if frame.arg and about_book else None
    if frame.event in ("subscribe", "unsubscribe"):
        return (Subscribed(request_id=None, symbol=symbol),)
    if frame.event == "error":
        kind, message = refusals.of_error(str(frame.code), frame.msg), f"{frame.code}: {frame.msg}"
        return (Refused(request_id=None, symbol=symbol, kind=kind, message=message),)
    return _NOTHING


def _unknown_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Take a new channel without levels as a heartbeat; say of all else which books it may have changed."""
    if raw in _PONG:
        return _NOTHING
    outer = envelope(raw)
    if outer is None:
        raise WireFormatError("a frame is no JSON object")
    arg, data = envelope(outer.get("arg")) or {}, entries_of(outer.get("data")) or ()
    channel, native = text_of(arg.get("channel")), text_of(arg.get("instId"))
    if channel in _NO_BOOKS or ("event" in outer and "data" not in outer):
        trades = _readable_trades(data, symbols.get(native or "")) if channel == wire.TRADES else ()
        raise WireFormatError("a message about no book has an unexpected shape", doubted=(), readable=trades)
    has_levels = any(_LEVELS & (envelope(one) or {}).keys() for one in data)
    if channel not in (None, wire.BOOKS) and not has_levels:
        return _HEARTBEAT
    raise WireFormatError(
        "a book message has an unexpected shape",
        doubted=None if native is None else [symbols[one] for one in (native,) if one in symbols],
    )


def _readable_trades(data: Sequence[Raw], symbol: str | None) -> Sequence[Trade]:
    return read_each(data, partial(_wanted_trade, symbol), name=row_name).found


def _wanted_trade(symbol: str | None, raw: Raw) -> Trade | None:
    return None if symbol is None else _trade(_decode_trade(bytes(raw)), symbol)


def encode(request: wire.Request) -> str:
    """Write a request."""
    return msgspec.json.encode(request).decode()
