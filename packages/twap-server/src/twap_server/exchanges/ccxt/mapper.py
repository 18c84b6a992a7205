"""Translate what the process that runs ccxt sends to the domain. In: bytes. Out: MarketEvents."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from twap_models.enums import Side
from twap_server.domain.clock import Nanos
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import (
    BookLost,
    BookSnapshot,
    Heartbeat,
    MarketEvent,
    Refused,
    Subscribed,
    TextLevel,
    Trade,
)
from twap_server.domain.market.refusal import WORDS
from twap_server.exchanges.ccxt import refusals, wire
from twap_server.exchanges.decode import decoder, envelope, from_epoch, number, plain, text_of

_decode_message: Callable[[bytes | str], wire.Message] = decoder(wire.Message)  # type: ignore[arg-type]
_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_NOTHING: tuple[MarketEvent, ...] = ()
_BOOKS = ("book", "lost")


def to_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Translate one frame; ``symbols`` maps ccxt's to canonical, others are left out.

    Raises:
        WireFormatError: see ``Stream.decode``.
    """
    try:
        return _known_events(_decode_message(raw), symbols)
    except WireFormatError as error:
        error.doubted = _doubted(raw, symbols)
        raise


def _known_events(message: wire.Message, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    match message:
        case wire.Book():
            symbol = symbols.get(message.symbol)
            return _NOTHING if symbol is None else (book(message, symbol),)
        case wire.Trades():
            symbol = symbols.get(message.symbol)
            return _NOTHING if symbol is None else [_trade(one, symbol) for one in message.trades]
        case wire.Lost():
            symbol = symbols.get(message.symbol)
            reason = WORDS[refusals.KINDS[message.kind]]
            return (
                _NOTHING
                if symbol is None
                else (BookLost(symbol=symbol, reason=reason, message=message.message),)
            )
        case wire.Done():
            return (Subscribed(request_id=message.id),)
        case wire.Refusal():
            kind = refusals.KINDS[message.kind]
            return (Refused(request_id=message.id, symbol=None, kind=kind, message=message.message),)
        case wire.Beat():
            return _HEARTBEAT


def book(message: wire.Book, symbol: str) -> BookSnapshot:
    """Translate a book.

    Raises:
        WireFormatError: a level or the time cannot be read.
    """
    return BookSnapshot(
        symbol=symbol,
        bids=_levels(message.bids),
        asks=_levels(message.asks),
        ts_exchange=_time(message.time),
    )


def _levels(levels: Sequence[TextLevel]) -> list[TextLevel]:
    return [(plain(price), plain(quantity)) for price, quantity in levels]


def _trade(row: wire.TradeRow, symbol: str) -> Trade:
    return Trade(
        symbol=symbol,
        trade_id=row.id,
        price=number(row.price),
        quantity=number(row.quantity),
        taker_side=Side(row.side),
        ts_exchange=_time(row.time),
        is_numbered=False,
    )


def _time(milliseconds: int) -> Nanos:
    return from_epoch(milliseconds) if milliseconds else Nanos(0)


def _doubted(raw: bytes | str, symbols: Mapping[str, str]) -> list[str] | None:
    """Say which books a frame may have been about; None where it cannot be told."""
    outer = envelope(raw) or {}
    if text_of(outer.get("type")) not in (None, *_BOOKS):
        return []
    named = text_of(outer.get("symbol"))
    return None if named is None else [symbols[one] for one in (named,) if one in symbols]


def encode(request: wire.Request) -> str:
    """Write a request."""
    return msgspec.json.encode(request).decode()
