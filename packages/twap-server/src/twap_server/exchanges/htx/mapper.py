"""Translate HTX's stream to the domain. In: unpacked frames. Out: MarketEvents, with all digits."""

import re
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw

from twap_models.enums import Side
from twap_server.domain.clock import Nanos
from twap_server.domain.market.entries import read_each
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import (
    BookSnapshot,
    Heartbeat,
    MarketEvent,
    Refused,
    Subscribed,
    TextLevel,
    Trade,
)
from twap_server.exchanges.decode import (
    decoder,
    entries_of,
    envelope,
    from_epoch,
    number,
    plain,
    row_name,
    text_of,
)
from twap_server.exchanges.htx import refusals, wire

_decode_book = decoder(wire.Book)
_decode_trades = decoder(wire.Trades)
_decode_trade = decoder(wire.TradeEntry)

_TOPIC = re.compile(r"market\.([^.]+)\.(.+)")
_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_NO_BOOKS = (wire.TRADES, wire.BEST)
_LEVELS = {"bids", "asks"}
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}


def topic(native: str, kind: str) -> str:
    """What a topic of a market is called."""
    return f"market.{native}.{kind}"


def parted(name: str | None) -> tuple[str, str]:
    """The market of a topic, and its kind; empty where it is none."""
    found = _TOPIC.fullmatch(name or "")
    return (found[1], found[2]) if found else ("", "")


def book(frame: wire.Frame, symbol: str) -> BookSnapshot:
    """The book: every message is all of it."""
    return depth(bytes(frame.tick), symbol, from_epoch(frame.ts))


def depth(tick: bytes, symbol: str, at: Nanos) -> BookSnapshot:
    """Translate a whole book, of stream or REST."""
    read = _decode_book(tick)
    return BookSnapshot(
        symbol=symbol,
        bids=_levels(read.bids),
        asks=_levels(read.asks),
        last_id=max(read.version, 0),
        ts_exchange=at,
    )


def _levels(every: Sequence[wire.Level]) -> list[TextLevel]:
    return [(plain(text(one.price)), plain(text(one.size))) for one in every]


def text(raw: Raw) -> str:
    """A JSON number as it was written."""
    return str(raw, "latin-1")


def trades(frame: wire.Frame, symbol: str, since: int) -> Sequence[Trade]:
    """Read what was traded from ``since`` on (milliseconds), oldest first.

    Raises:
        WireFormatError: one cannot be read; the others are ``readable``.
    """

    def read(raw: Raw) -> Trade | None:
        entry = _decode_trade(bytes(raw))
        return _trade(entry, symbol) if entry.ts >= since else None

    told = read_each(reversed(_decode_trades(bytes(frame.tick)).data), read, name=row_name)
    if told.left_out:
        raise WireFormatError("a trade cannot be read", doubted=(), readable=told.found)
    return told.found


def _trade(entry: wire.TradeEntry, symbol: str) -> Trade:
    side = _SIDES.get(entry.direction)
    if side is None:
        raise WireFormatError("a trade has no side")
    return Trade(
        symbol=symbol,
        trade_id=str(entry.trade_id),
        price=number(text(entry.price)),
        quantity=number(text(entry.amount)),
        taker_side=side,
        ts_exchange=from_epoch(entry.ts),
        is_numbered=False,
    )


def answer(frame: wire.Frame, symbols: Mapping[str, str]) -> MarketEvent:
    """Read the answer to a request."""
    told = str(frame.id)
    request_id = int(told) if re.fullmatch(r"[0-9]{1,9}", told) else None
    if frame.status != wire.FINE:
        message = f"{frame.err_code}: {frame.err_msg}"
        kind = refusals.of_text(message)
        return Refused(request_id=request_id, symbol=None, kind=kind, message=message)
    native, kind_ = parted(frame.subbed)
    return Subscribed(request_id=request_id, symbol=symbols.get(native) if kind_ == wire.BOOK else None)


def unknown(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Take a new topic without levels as a heartbeat; say of all else which books it may have been.

    Raises:
        WireFormatError: it may have been one, or tells of something we know in an unknown shape.
    """
    outer = envelope(raw)
    if outer is None:
        raise WireFormatError("a frame is no JSON object")
    native, kind = parted(text_of(outer.get("ch")))
    if kind in _NO_BOOKS or ("tick" not in outer and outer.keys() & {"status", "ping"}):
        raise WireFormatError("a message about no book has an unexpected shape", doubted=())
    tick = envelope(outer.get("tick")) or {}
    has_levels = any(entries_of(tick.get(side)) is not None for side in _LEVELS)
    if kind not in ("", wire.BOOK) and tick and not has_levels:
        return _HEARTBEAT
    raise WireFormatError(
        "a book message has an unexpected shape",
        doubted=[symbols[one] for one in (native,) if one in symbols] if native else None,
    )


def encode(message: wire.Sub | wire.Unsub | wire.Pong) -> str:
    """Write what is sent."""
    return msgspec.json.encode(message).decode()
