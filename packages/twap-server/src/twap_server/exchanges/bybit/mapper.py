"""Translate Bybit's stream to the domain. In: bytes. Out: MarketEvents, numbers as sent."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec
from msgspec import Raw

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
    Trade,
)
from twap_server.exchanges.bybit import refusals, wire
from twap_server.exchanges.decode import decoder, entries_of, envelope, from_epoch, number, text_of

_decode_frame = decoder(wire.Frame)
_decode_book = decoder(wire.Book)
_decode_trades = decoder(list[wire.TradeEntry])
_decode_trade = decoder(wire.TradeEntry)

_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_NOTHING: tuple[MarketEvent, ...] = ()
"""What a pong says: it comes as often as we ask, so it tells nothing of the pace."""
BOOK, TRADE, TICKER = "orderbook.", "publicTrade.", "tickers."
_NO_BOOKS = (TRADE, TICKER)
_LEVELS = {"a", "b"}
_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL}
_REQUESTS = ("subscribe", "unsubscribe")
_HAD = "already subscribed"
_ANEW = 1


def to_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Translate one frame; ``symbols`` maps native to canonical, others are left out.

    Raises:
        WireFormatError: the frame is none of the manual's; see ``Stream.decode``.
    """
    try:
        frame = _decode_frame(raw)
        if frame.topic.startswith(BOOK):
            return _book(frame, symbols)
        if frame.topic.startswith(TRADE):
            every = _decode_trades(bytes(frame.data))
            return [_trade(one, symbols[one.s]) for one in every if one.s in symbols]
        if frame.topic.startswith(TICKER):
            return _HEARTBEAT
        if frame.op and not frame.topic and not frame.data:
            return _answer(frame)
    except WireFormatError:
        pass
    return _unknown_events(raw, symbols)


def _book(frame: wire.Frame, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    book = _decode_book(bytes(frame.data))
    if frame.topic.rpartition(".")[2] != book.s:
        raise WireFormatError("a book message names two books")
    symbol = symbols.get(book.s)
    if symbol is None:
        return _NOTHING
    if frame.type not in ("snapshot", "delta") or book.u < 1:
        raise WireFormatError("a book message is neither a snapshot nor a change")
    at = from_epoch(frame.cts or frame.ts)
    if frame.type == "snapshot" or book.u == _ANEW:
        return (snapshot(book, symbol, at),)
    change = BookChange(
        symbol=symbol, bids=book.b, asks=book.a, first_id=book.u, last_id=book.u, ts_exchange=at
    )
    return (change,)


def snapshot(book: wire.Book, symbol: str, at: Nanos) -> BookSnapshot:
    """Translate a whole book."""
    return BookSnapshot(symbol=symbol, bids=book.b, asks=book.a, last_id=book.u, ts_exchange=at)


def _trade(entry: wire.TradeEntry, symbol: str) -> Trade:
    side = _SIDES.get(entry.S)
    if side is None:
        raise WireFormatError("a trade has no side")
    return Trade(
        symbol=symbol,
        trade_id=entry.i,
        price=number(entry.p),
        quantity=number(entry.v),
        taker_side=side,
        ts_exchange=from_epoch(entry.T),
        is_numbered=False,  # those of spot are numbers, and do not follow each other
    )


def _answer(frame: wire.Frame) -> Sequence[MarketEvent]:
    """Read the one answer to a request; a pong has the op ``ping`` here, ``pong`` elsewhere.

    Which of a batch was refused is left open: it is not known whether the others were taken.
    """
    request_id = int(frame.req_id) if re.fullmatch(r"[0-9]{1,9}", frame.req_id) else None
    if frame.success is False and _HAD not in frame.ret_msg:
        kind = refusals.of_text(frame.ret_msg)
        return (Refused(request_id=request_id, symbol=None, kind=kind, message=frame.ret_msg),)
    return (Subscribed(request_id=request_id),) if frame.op in _REQUESTS else _NOTHING


def _unknown_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Take a new topic without levels as a heartbeat; say of all else which books it may have changed."""
    outer = envelope(raw)
    if outer is None:
        raise WireFormatError("a frame is no JSON object")
    topic, inner = text_of(outer.get("topic")), envelope(outer.get("data")) or {}
    if (topic is not None and topic.startswith(_NO_BOOKS)) or ("op" in outer and "data" not in outer):
        trades = _readable_trades(entries_of(outer.get("data")) or (), symbols)
        raise WireFormatError("a message about no book has an unexpected shape", doubted=(), readable=trades)
    if topic is not None and not topic.startswith(BOOK) and not _LEVELS & inner.keys():
        return _HEARTBEAT
    told = (topic.rpartition(".")[2] if topic else None, text_of(inner.get("s")))
    natives = [one for one in told if one is not None]
    raise WireFormatError(
        "a book message has an unexpected shape",
        doubted={symbols[one] for one in natives if one in symbols} if natives else None,
    )


def _readable_trades(data: Sequence[Raw], symbols: Mapping[str, str]) -> Sequence[Trade]:
    found = []
    for raw in data:
        with suppress(WireFormatError):
            entry = _decode_trade(bytes(raw))
            if entry.s in symbols:
                found.append(_trade(entry, symbols[entry.s]))
    return found


def encode(request: wire.Request) -> str:
    """Write a request."""
    return msgspec.json.encode(request).decode()
