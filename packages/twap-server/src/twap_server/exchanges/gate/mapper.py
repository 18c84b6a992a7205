"""Translate Gate's stream to the domain. In: bytes. Out: MarketEvents, numbers as sent."""

from collections.abc import Collection, Mapping, Sequence

import msgspec
from msgspec import Raw

from twap_models.enums import Side
from twap_server.domain.clock import MILLISECOND, Nanos
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    Heartbeat,
    MarketEvent,
    Refused,
    ShutdownNotice,
    Subscribed,
    Trade,
)
from twap_server.exchanges.decode import UNREADABLE, WRONG_SHAPE, envelope, from_epoch, number, text_of
from twap_server.exchanges.gate import refusals, wire

_decode_message = msgspec.json.Decoder(wire.Message).decode
_decode_control = msgspec.json.Decoder(wire.Control).decode

_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_NOTHING: tuple[MarketEvent, ...] = ()
_ANSWERS = ("subscribe", "unsubscribe")
_LEVELS = {"a", "b", "U", "u"}
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_MILLIS = range(10**11, 10**14)


def to_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Translate one frame; ``symbols`` maps native to canonical, others are left out.

    Raises:
        WireFormatError: the frame is none of the manual's; see ``Exchange.decode``.
    """
    try:
        message = _decode_message(raw)
        if type(message) is wire.BookUpdate:
            symbol = symbols.get(message.result.s)
            return _NOTHING if symbol is None else (_book(message.result, symbol),)
        if type(message) is wire.TradeUpdate:
            symbol = symbols.get(message.result.currency_pair)
            return _NOTHING if symbol is None else (_trade(message.result, symbol),)
    except UNREADABLE:
        return _other_events(raw, symbols)
    return _NOTHING if type(message) is wire.Pong else _HEARTBEAT


def encode(message: wire.Request | wire.Ping) -> str:
    """Write what is sent."""
    return msgspec.json.encode(message).decode()


def _book(data: wire.BookResult, symbol: str) -> BookChange | BookSnapshot:
    told_at = Nanos(data.t * MILLISECOND) if data.t in _MILLIS else from_epoch(data.t)
    if data.full:
        return BookSnapshot(symbol=symbol, bids=data.b, asks=data.a, last_id=data.u, ts_exchange=told_at)
    if data.U is None or data.u < data.U:
        raise WireFormatError("a book update has no first id, or one behind its last")
    return BookChange(
        symbol=symbol, bids=data.b, asks=data.a, first_id=data.U, last_id=data.u, ts_exchange=told_at
    )


def _trade(data: wire.TradeResult, symbol: str) -> Trade:
    return Trade(
        symbol=symbol,
        trade_id=str(data.id),
        price=number(data.price),
        quantity=number(data.amount),
        taker_side=_SIDES[data.side],
        ts_exchange=_from_millis(data.create_time_ms),
    )


def _from_millis(text: str) -> Nanos:
    """Read milliseconds with decimals, all of them."""
    return from_epoch(int(number(text) * MILLISECOND))


def _other_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    try:
        control = _decode_control(raw)
    except WRONG_SHAPE:
        return _unknown_events(raw, symbols)
    if control.event in _ANSWERS and control.error is None:
        return (Subscribed(request_id=control.id),)
    if control.error is not None:
        kind = refusals.of_stream(control.error)
        return (Refused(request_id=control.id, symbol=None, kind=kind, message=control.error.message),)
    if "upgrade" in (control.event, text_of((envelope(control.result) or {}).get("type"))):
        return (ShutdownNotice(),)
    return _unknown_events(raw, symbols)


def _unknown_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Take a channel we did not ask for as a heartbeat; say of all else which books it may have changed."""
    outer = envelope(raw)
    if outer is None:
        raise WireFormatError("a frame is no JSON object")
    channel, result = text_of(outer.get("channel")), envelope(outer.get("result"))
    has_levels = bool(result) and bool(_LEVELS & (result or {}).keys())
    if channel in wire.NO_BOOKS and not has_levels:
        if channel == "spot.candlesticks":
            return _HEARTBEAT
        raise WireFormatError("a message about no book has an unexpected shape", doubted=())
    if channel not in (None, wire.BOOK) and "event" in outer and result is not None and not has_levels:
        return _HEARTBEAT
    raise WireFormatError("a book message has an unexpected shape", doubted=_doubted(result, symbols))


def _doubted(result: Mapping[str, Raw] | None, symbols: Mapping[str, str]) -> Collection[str] | None:
    """The book that a message may have changed; None: any."""
    native = text_of((result or {}).get("s"))
    return None if native is None else [symbols[one] for one in (native,) if one in symbols]
