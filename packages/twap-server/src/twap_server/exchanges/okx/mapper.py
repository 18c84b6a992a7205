"""Translate OKX's stream to the domain. In: bytes. Out: MarketEvents, numbers as sent."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal

import msgspec
from msgspec import Raw

from twap_models.enums import Side
from twap_server.domain.clock import Nanos
from twap_server.domain.exact import ONE
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    Heartbeat,
    MarketEvent,
    Refused,
    ShutdownNotice,
    Subscribed,
    TextLevel,
    Trade,
)
from twap_server.exchanges.decode import (
    check_contracts,
    decoder,
    entries_of,
    envelope,
    from_epoch,
    in_base,
    number,
    text_of,
    whole,
)
from twap_server.exchanges.okx import refusals, wire

_decode_frame = decoder(wire.Frame)
_decode_books = decoder(list[wire.Book])
_decode_trades = decoder(list[wire.TradeEntry])
_decode_trade = decoder(wire.TradeEntry)

_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_NOTHING: tuple[MarketEvent, ...] = ()
_PONG = (b"pong", "pong")
"""No JSON. No heartbeat either: it comes as often as we ask, and says nothing of the pace."""
_NO_BOOKS = (wire.TRADES, wire.TICKERS)
_LEVELS = {"bids", "asks"}
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_CLOSES_SOON = "64008"
_NAMED = re.compile(r"instId:([A-Z0-9-]+)")


def to_events(
    raw: bytes | str, symbols: Mapping[str, str], multipliers: Mapping[str, Decimal]
) -> Sequence[MarketEvent]:
    """Translate one frame. Levels stay as sent: their book counts in contracts where the exchange does.

    Args:
        raw: the frame.
        symbols: native to canonical; others are left out.
        multipliers: by native symbol, base currency in one contract.

    Raises:
        WireFormatError: the frame is none of the manual's; see ``Stream.decode``.
    """
    try:
        frame = _decode_frame(raw)
        if frame.arg is not None and not frame.event:
            if frame.arg.channel == wire.BOOKS:
                return _books(frame, frame.arg.inst_id, symbols, multipliers)
            if frame.arg.channel == wire.TRADES:
                every = _decode_trades(bytes(frame.data))
                return [_trade(one, symbols, multipliers) for one in every if one.inst_id in symbols]
            if frame.arg.channel == wire.TICKERS:
                return _HEARTBEAT
        if frame.event and not frame.data:
            return _notice(frame, symbols)
    except WireFormatError:
        pass
    return _unknown_events(raw, symbols, multipliers)


def _books(
    frame: wire.Frame, native: str, symbols: Mapping[str, str], multipliers: Mapping[str, Decimal]
) -> Sequence[MarketEvent]:
    symbol = symbols.get(native)
    if symbol is None and native:
        return _NOTHING
    books = _decode_books(bytes(frame.data))
    if symbol is None or not books:
        raise WireFormatError("a book message has no book, or no name")
    events = [_book(one, frame.action, symbol) for one in books]
    if native in multipliers:
        for event in events:
            check_contracts(event.bids, multipliers[native])
            check_contracts(event.asks, multipliers[native])
    return events


def _book(book: wire.Book, action: str, symbol: str) -> BookSnapshot | BookChange:
    bids, asks, ts_exchange = levels(book.bids), levels(book.asks), moment(book.ts)
    if action not in ("snapshot", "update") or book.seq_id < 0:
        raise WireFormatError("a book message is neither a snapshot nor an update")
    if action == "snapshot":
        return BookSnapshot(symbol=symbol, bids=bids, asks=asks, last_id=book.seq_id, ts_exchange=ts_exchange)
    return BookChange(
        symbol=symbol,
        bids=bids,
        asks=asks,
        first_id=book.prev_seq_id + 1,
        last_id=book.seq_id,
        ts_exchange=ts_exchange,
    )


def levels(every: Sequence[wire.Level]) -> list[TextLevel]:
    """Take price and size of levels."""
    return [(one.price, one.size) for one in every]


def moment(text: str) -> Nanos:
    """Read a time, milliseconds as text."""
    return from_epoch(whole(text))


def _trade(entry: wire.TradeEntry, symbols: Mapping[str, str], multipliers: Mapping[str, Decimal]) -> Trade:
    side = _SIDES.get(entry.side)
    if side is None:
        raise WireFormatError("a trade has no side")
    return Trade(
        symbol=symbols[entry.inst_id],
        trade_id=entry.trade_id,
        price=number(entry.px),
        quantity=in_base(entry.sz, multipliers.get(entry.inst_id, ONE)),
        taker_side=side,
        ts_exchange=moment(entry.ts),
        is_numbered=False,  # it is that of the last match of an order
    )


def _notice(frame: wire.Frame, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    request_id = int(frame.id) if frame.id.isascii() and frame.id.isdigit() and len(frame.id) < 10 else None
    native = frame.arg.inst_id if frame.arg else ""
    if frame.event in ("subscribe", "unsubscribe"):
        return (Subscribed(request_id=request_id, symbol=symbols.get(native)),)
    if frame.event == "error":
        named = _NAMED.search(frame.msg)
        symbol = symbols.get(named[1] if named else native)
        kind, message = refusals.of_code(frame.code), f"{frame.code}: {frame.msg}"
        return (Refused(request_id=request_id, symbol=symbol, kind=kind, message=message),)
    return (ShutdownNotice(),) if frame.code == _CLOSES_SOON else _NOTHING


def _unknown_events(
    raw: bytes | str, symbols: Mapping[str, str], multipliers: Mapping[str, Decimal]
) -> Sequence[MarketEvent]:
    """Take a new channel without levels as a heartbeat; say of all else which books it may have changed."""
    if raw in _PONG:
        return _NOTHING
    outer = envelope(raw)
    if outer is None:
        raise WireFormatError("a frame is no JSON object")
    arg, data = envelope(outer.get("arg")) or {}, entries_of(outer.get("data"))
    channel, native = text_of(arg.get("channel")), text_of(arg.get("instId"))
    if channel in _NO_BOOKS or ("event" in outer and "data" not in outer):
        trades = _readable_trades(data or (), symbols, multipliers) if channel == wire.TRADES else ()
        raise WireFormatError("a message about no book has an unexpected shape", doubted=(), readable=trades)
    has_levels = any(_LEVELS & (envelope(one) or {}).keys() for one in data or ())
    if channel not in (None, wire.BOOKS) and not has_levels:
        return _HEARTBEAT
    raise WireFormatError(
        "a book message has an unexpected shape",
        doubted=None if native is None else [symbols[one] for one in (native,) if one in symbols],
    )


def _readable_trades(
    data: Sequence[Raw], symbols: Mapping[str, str], multipliers: Mapping[str, Decimal]
) -> Sequence[Trade]:
    found = []
    for raw in data:
        with suppress(WireFormatError):
            entry = _decode_trade(bytes(raw))
            if entry.inst_id in symbols:
                found.append(_trade(entry, symbols, multipliers))
    return found


def encode(request: wire.Request) -> str:
    """Write a request."""
    return msgspec.json.encode(request).decode()
