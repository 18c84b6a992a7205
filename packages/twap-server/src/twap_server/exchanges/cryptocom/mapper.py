"""Translate Crypto.com's stream to the domain. In: bytes. Out: MarketEvents, numbers as sent."""

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
    Reply,
    Subscribed,
    TextLevel,
    Trade,
)
from twap_server.exchanges.cryptocom import refusals, wire
from twap_server.exchanges.decode import (
    decoder,
    entries_of,
    envelope,
    from_epoch,
    number,
    row_name,
    text_of,
)

_decode_frame = decoder(wire.Frame)
_decode_result = decoder(wire.Result)
_decode_books = decoder(list[wire.Book])
_decode_updates = decoder(list[wire.Update])
_decode_trades = decoder(list[wire.TradeEntry])
_decode_trade = decoder(wire.TradeEntry)

_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_NOTHING: tuple[MarketEvent, ...] = ()
_NO_BOOKS = (wire.TRADE, wire.TICKER)
_LEVELS = {"bids", "asks", "update"}
_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
_REQUESTS = ("subscribe", "unsubscribe")


def to_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Translate one frame; ``symbols`` maps native to canonical, others are left out.

    Raises:
        WireFormatError: the frame is none of the manual's; see ``Stream.decode``.
    """
    try:
        frame = _decode_frame(raw)
        return (
            _data(_decode_result(bytes(frame.result)), symbols) if frame.result else _notice(frame, symbols)
        )
    except WireFormatError:
        return _unknown_events(raw, symbols)


def _data(result: wire.Result, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    symbol = symbols.get(result.instrument_name)
    if result.channel == wire.UPDATE:
        return _NOTHING if symbol is None else _changes(symbol, result.data)
    if result.channel == wire.BOOK:
        return _NOTHING if symbol is None else _snapshots(symbol, result.data)
    if result.channel == wire.TRADE:
        newest_first = _decode_trades(bytes(result.data))
        return [_trade(one, symbols[one.i]) for one in reversed(newest_first) if one.i in symbols]
    if result.channel == wire.TICKER:
        return _HEARTBEAT
    raise WireFormatError("a message is about an unknown channel")


def _changes(symbol: str, data: Raw) -> Sequence[MarketEvent]:
    updates = _decode_updates(bytes(data))
    if not updates or min(one.u for one in updates) < 0:
        raise WireFormatError("a book message has no change, or no number")
    return [
        BookChange(
            symbol=symbol,
            bids=levels(one.update.bids),
            asks=levels(one.update.asks),
            first_id=one.pu + 1,
            last_id=one.u,
            ts_exchange=from_epoch(one.t),
        )
        for one in updates
    ]


def _snapshots(symbol: str, data: Raw) -> Sequence[MarketEvent]:
    books = _decode_books(bytes(data))
    if len(books) != 1 or books[0].u < 0:
        raise WireFormatError("a book message has no book, or no number")
    return (snapshot(books[0], symbol),)


def snapshot(book: wire.Book | wire.RestBook, symbol: str) -> BookSnapshot:
    """Translate a whole book."""
    return BookSnapshot(
        symbol=symbol,
        bids=levels(book.bids),
        asks=levels(book.asks),
        last_id=book.u,
        ts_exchange=from_epoch(book.t),
    )


def levels(every: Sequence[wire.Level]) -> list[TextLevel]:
    """Take price and size of levels."""
    return [(one.price, one.size) for one in every]


def _trade(entry: wire.TradeEntry, symbol: str) -> Trade:
    side = _SIDES.get(entry.s)
    if side is None:
        raise WireFormatError("a trade has no side")
    return Trade(
        symbol=symbol,
        trade_id=entry.d,
        price=number(entry.p),
        quantity=number(entry.q),
        taker_side=side,
        ts_exchange=from_epoch(entry.t),
        is_numbered=False,  # several may have one id
    )


def _notice(frame: wire.Frame, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Read what has no data. Data that lost its ``result`` is none of it: its id is -1."""
    if frame.method == wire.HEARTBEAT:
        return (Reply(text=encode(wire.HeartbeatAnswer(id=frame.id))),)
    request_id = frame.id if frame.id > 0 else None
    if frame.code:
        return (_refused(frame, request_id, symbols),)
    if frame.method in _REQUESTS and request_id is not None:
        return (Subscribed(request_id=request_id, symbol=_book_of(frame.channel, symbols)),)
    raise WireFormatError("a message has neither data nor an answer")


def _refused(frame: wire.Frame, request_id: int | None, symbols: Mapping[str, str]) -> Refused:
    """Read a refusal: where it names a channel, its id may be that of another request."""
    kind, message = refusals.of_error(frame.code, frame.message), f"{frame.code}: {frame.message}"
    return Refused(
        request_id=None if frame.channel else request_id,
        symbol=_book_of(frame.channel, symbols),
        kind=kind,
        message=message,
    )


def _book_of(channel: str | None, symbols: Mapping[str, str]) -> str | None:
    """Whose book a channel such as ``book.BTC_USDT.50`` is; None where it is no book's."""
    kind, _, rest = (channel or "").partition(".")
    return symbols.get(rest.rpartition(".")[0]) if kind == wire.BOOK else None


def _unknown_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Take a new channel without levels as a heartbeat; say of all else which books it may have changed."""
    outer = envelope(raw)
    if outer is None:
        raise WireFormatError("a frame is no JSON object")
    result = envelope(outer.get("result")) or {}
    channel, data = text_of(result.get("channel")), entries_of(result.get("data")) or ()
    if channel in _NO_BOOKS:
        trades = _readable_trades(data, symbols) if channel == wire.TRADE else ()
        raise WireFormatError("a message about no book has an unexpected shape", doubted=(), readable=trades)
    has_levels = any(_LEVELS & (envelope(one) or {}).keys() for one in data)
    if channel not in (None, wire.BOOK, wire.UPDATE) and data and not has_levels:
        return _HEARTBEAT
    native, subscription = text_of(result.get("instrument_name")), text_of(result.get("subscription"))
    named = (symbols.get(native or ""), _book_of(subscription, symbols))
    raise WireFormatError(
        "a book message has an unexpected shape",
        doubted={one for one in named if one} if native or subscription else None,
    )


def _readable_trades(data: Sequence[Raw], symbols: Mapping[str, str]) -> Sequence[Trade]:
    return read_each(reversed(data), partial(_wanted_trade, symbols), name=row_name).found


def _wanted_trade(symbols: Mapping[str, str], raw: Raw) -> Trade | None:
    entry = _decode_trade(bytes(raw))
    return _trade(entry, symbols[entry.i]) if entry.i in symbols else None


def encode(message: wire.Request | wire.HeartbeatAnswer) -> str:
    """Write what is sent."""
    return msgspec.json.encode(message).decode()
