"""Translate Bitstamp's stream to the domain. In: bytes. Out: MarketEvents, numbers as sent."""

from collections.abc import Mapping, Sequence

import msgspec

from twap_models.enums import Side
from twap_server.domain.clock import Nanos
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import (
    BookSnapshot,
    Heartbeat,
    MarketEvent,
    Refused,
    ShutdownNotice,
    Subscribed,
    Trade,
)
from twap_server.exchanges.bitstamp import refusals, wire
from twap_server.exchanges.decode import decoder, envelope, from_epoch, number, whole

_decode_frame = decoder(wire.Frame)
_decode_book = decoder(wire.Book)
_decode_trade = decoder(wire.Trade)
_decode_problem = decoder(wire.Problem)

_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_NOTHING: tuple[MarketEvent, ...] = ()
_LEVELS = {"bids", "asks"}


def to_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Translate one frame; ``symbols`` maps native to canonical, others are left out.

    Raises:
        WireFormatError: see ``Stream.decode``.
    """
    frame = _decode_frame(raw)
    match frame.event:
        case "data":
            return _data(frame, symbols)
        case "trade":
            return _trade(frame, symbols)
        case "bts:subscription_succeeded":
            return (Subscribed(request_id=None, symbol=_of(frame.channel, wire.BOOK, symbols)),)
        case "bts:error":
            return (_refusal(frame, symbols),)
        case "bts:request_reconnect":
            return (ShutdownNotice(),)
        case _:
            return _unknown(frame, symbols)


def _of(channel: str, kind: str, symbols: Mapping[str, str]) -> str | None:
    """Tell whose channel it is, if it is of that kind."""
    return symbols.get(channel.removeprefix(kind)) if channel.startswith(kind) else None


def _data(frame: wire.Frame, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Translate a book; the changes of the opening stream only say that the connection lives."""
    if frame.channel.startswith(wire.BOOK):
        return _book(frame, symbols)
    return _HEARTBEAT if frame.channel.startswith(wire.DIFFS) else _unknown(frame, symbols)


def _book(frame: wire.Frame, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    symbol = _of(frame.channel, wire.BOOK, symbols)
    if symbol is None:
        return _NOTHING
    try:
        book = _decode_book(bytes(frame.data))
        time = _time(book.microtimestamp)
    except WireFormatError as error:
        error.doubted = [symbol]
        raise
    return (BookSnapshot(symbol=symbol, bids=book.bids, asks=book.asks, ts_exchange=time),)


def _trade(frame: wire.Frame, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    symbol = _of(frame.channel, wire.TRADES, symbols)
    if symbol is None:
        return _NOTHING
    try:
        trade = _decode_trade(bytes(frame.data))
        return (
            Trade(
                symbol=symbol,
                trade_id=str(trade.id),
                price=number(trade.price_str),
                quantity=number(trade.amount_str),
                taker_side=Side.SELL if trade.type else Side.BUY,
                ts_exchange=_time(trade.microtimestamp),
                is_numbered=False,
            ),
        )
    except WireFormatError as error:
        error.doubted = ()
        raise


def _time(text: str) -> Nanos:
    return from_epoch(whole(text))


def _refusal(frame: wire.Frame, symbols: Mapping[str, str]) -> Refused:
    try:
        text = _decode_problem(bytes(frame.data)).message
    except WireFormatError:
        text = ""
    symbol = _of(frame.channel, wire.BOOK, symbols)
    return Refused(request_id=None, symbol=symbol, kind=refusals.of_text(text), message=text)


def _unknown(frame: wire.Frame, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Take what has an event and no levels as a heartbeat; say of all else which book it may have been."""
    if frame.event == "bts:heartbeat":
        return _NOTHING  # the answer to our ping
    if frame.event and not _LEVELS & (envelope(frame.data) or {}).keys():
        return _HEARTBEAT
    named = _of(frame.channel, wire.BOOK, symbols)
    raise WireFormatError("a frame has an unexpected shape", doubted=None if named is None else [named])


def encode(request: wire.Request) -> str:
    """Write a request."""
    return msgspec.json.encode(request).decode()
