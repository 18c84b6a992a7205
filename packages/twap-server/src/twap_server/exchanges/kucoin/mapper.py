"""Translate KuCoin's stream to the domain. In: bytes. Out: MarketEvents, numbers as sent."""

from collections.abc import Mapping, Sequence

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
from twap_server.domain.market.refusal import RefusalKind
from twap_server.exchanges.decode import (
    UNREADABLE,
    WRONG_SHAPE,
    entries_of,
    envelope,
    from_epoch,
    number,
    text_of,
)
from twap_server.exchanges.kucoin import refusals, wire

_decode_message = msgspec.json.Decoder(wire.Message).decode
_decode_control = msgspec.json.Decoder(wire.Control).decode

_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_NOTHING: tuple[MarketEvent, ...] = ()
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_NANOS = range(10**18, 2**63)
_MOST_DIGITS = 18


def to_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Translate one frame; ``symbols`` maps native to canonical, others are left out.

    Raises:
        WireFormatError: the frame is none of the manual's; see ``Exchange.decode``.
    """
    try:
        message = _decode_message(raw)
        if type(message) is wire.BookUpdate:
            symbol = symbols.get(message.d.s)
            return _NOTHING if symbol is None else (_book(message, symbol),)
        if type(message) is wire.TradeUpdate:
            symbol = symbols.get(message.d.s)
            return _NOTHING if symbol is None else (_trade(message.d, symbol),)
    except UNREADABLE:
        return _other_events(raw, symbols)
    return _HEARTBEAT


def encode(message: wire.Request | wire.Ping) -> str:
    """Write what is sent."""
    return msgspec.json.encode(message).decode()


def _book(message: wire.BookUpdate, symbol: str) -> BookChange | BookSnapshot:
    data = message.d
    told_at = Nanos(data.M) if data.M in _NANOS else from_epoch(data.M)
    if message.t == "snapshot":
        return BookSnapshot(symbol=symbol, bids=data.b, asks=data.a, last_id=data.C, ts_exchange=told_at)
    if data.C < data.O:
        raise WireFormatError("a book update ends before it begins")
    return BookChange(
        symbol=symbol, bids=data.b, asks=data.a, first_id=data.O, last_id=data.C, ts_exchange=told_at
    )


def _trade(data: wire.TradeData, symbol: str) -> Trade:
    return Trade(
        symbol=symbol,
        trade_id=data.ti,
        price=number(data.p),
        quantity=number(data.q),
        taker_side=_SIDES[data.S.lower()],
        ts_exchange=from_epoch(data.M),
    )


def _other_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    try:
        control = _decode_control(raw)
    except WRONG_SHAPE:
        return _unknown_events(raw, symbols)
    if control.T is not msgspec.UNSET or control.d is not msgspec.UNSET:
        return _unknown_events(raw, symbols)
    if control.result in (True, "true"):
        return (Subscribed(request_id=_request_id(control)),)
    if control.result in (False, "false") or control.type == "error":
        return (_refusal(control),)
    if control.type in ("pong", "ack") or control.message == "welcome":
        return _HEARTBEAT if control.message == "welcome" else ()
    return _unknown_events(raw, symbols)


def _refusal(control: wire.Control) -> Refused:
    text = control.message or control.reason or control.msg
    kind = refusals.of_code(str(control.code), text) or RefusalKind.OTHER
    return Refused(request_id=_request_id(control), symbol=None, kind=kind, message=text)


def _request_id(control: wire.Control) -> int | None:
    text = str(control.id)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def _unknown_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Take a channel without levels as a heartbeat; say of all else which books it may have changed."""
    outer = envelope(raw)
    if outer is None:
        raise WireFormatError("a frame is no JSON object")
    topic, data = text_of(outer.get("T")), envelope(outer.get("d"))
    if "d" not in outer and "T" not in outer and outer.keys() & {"id", "result", "type"}:
        raise WireFormatError("an answer has an unexpected shape", doubted=())
    if data is not None and not _has_levels(data):
        if topic in wire.NO_BOOKS:
            raise WireFormatError("a message about no book has an unexpected shape", doubted=())
        if topic not in (None, "obu.SPOT"):
            return _HEARTBEAT
    native = text_of((data or {}).get("s"))
    doubted = None if native is None else [symbols[one] for one in (native,) if one in symbols]
    raise WireFormatError("a book message has an unexpected shape", doubted=doubted)


def _has_levels(data: Mapping[str, Raw]) -> bool:
    return any(entries_of(data.get(side)) is not None for side in ("a", "b"))
