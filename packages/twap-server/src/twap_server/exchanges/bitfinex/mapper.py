"""Translate Bitfinex's messages to the domain. In: what ``stream.py`` took apart. Out: MarketEvents."""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from twap_models.enums import Side
from twap_server.domain.market.errors import StreamGap, WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    BookSnapshot,
    Heartbeat,
    MarketEvent,
    Refused,
    ShutdownNotice,
    TextLevel,
    Trade,
    TradingStatus,
)
from twap_server.domain.market.instrument import TRADING
from twap_server.exchanges.bitfinex import refusals, wire
from twap_server.exchanges.decode import decoder, from_epoch, number, plain

BOOK, TRADES = "book", "trades"

_decode_levels = decoder(list[wire.Level])
_decode_trade = decoder(wire.TradeEntry)
_decode_checksum = decoder(int)

_RECONNECT, _MAINTENANCE, _MAINTAINED = 20051, 20060, 20061
_PAUSED = "maintenance"
_REMOVED = "0"
_UNSIGNED = 0xFFFFFFFF


def change(symbol: str, level: wire.Level) -> BookChange:
    """One changed level.

    Raises:
        WireFormatError: it is none; it names its book.
    """
    try:
        is_bid, told = _level(level)
    except WireFormatError as error:
        raise WireFormatError(str(error), doubted=(symbol,)) from None
    if is_bid:
        return BookChange(symbol=symbol, bids=(told,), asks=())
    return BookChange(symbol=symbol, bids=(), asks=(told,))


def snapshot(symbol: str, levels: bytes) -> BookSnapshot:
    """The whole book, as subscribed.

    Raises:
        WireFormatError: one of its levels is none, or is removed.
    """
    bids: list[TextLevel] = []
    asks: list[TextLevel] = []
    for level in _decode_levels(levels):
        if not level.count:
            raise WireFormatError("a whole book has a level without an order")
        is_bid, told = _level(level)
        (bids if is_bid else asks).append(told)
    return BookSnapshot(symbol=symbol, bids=bids, asks=asks)


def checked(symbol: str, told: Raw) -> BookChange:
    """A checksum: it comes alone, so it changes nothing."""
    signed = _decode_checksum(bytes(told))
    return BookChange(symbol=symbol, bids=(), asks=(), checksum=signed & _UNSIGNED)


def trade(symbol: str, told: Raw) -> Trade:
    """One trade."""
    entry = _decode_trade(bytes(told))
    amount = str(entry.amount, "latin-1")
    return Trade(
        symbol=symbol,
        trade_id=str(entry.trade_id),
        price=number(str(entry.price, "latin-1")),
        quantity=number(amount.removeprefix("-")),
        taker_side=Side.SELL if amount.startswith("-") else Side.BUY,
        ts_exchange=from_epoch(entry.time),
        is_numbered=False,  # one count for all pairs
    )


def notice(answer: wire.Answer) -> MarketEvent:
    """What the exchange says of itself.

    Raises:
        StreamGap: a maintenance is over, after which every channel has to be opened anew.
    """
    if answer.code == _RECONNECT:
        return ShutdownNotice()
    if answer.code == _MAINTENANCE:
        return TradingStatus(symbol=None, status=_PAUSED)
    if answer.code == _MAINTAINED:
        raise StreamGap("the exchange was maintained")
    if answer.platform is None:
        return Heartbeat()
    return TradingStatus(symbol=None, status=TRADING if answer.platform.status else _PAUSED)


def refused(answer: wire.Answer, symbols: Mapping[str, str]) -> Refused:
    """A refusal; where it does not say of which request, it is about the book of its symbol."""
    return Refused(
        request_id=answer.request_id,
        symbol=symbols.get(answer.symbol) if answer.channel == BOOK else None,
        kind=refusals.of_text(answer.text),
        message=answer.text or answer.status,
    )


def encode(request: wire.Conf | wire.Subscribe | wire.Unsubscribe | wire.Ping) -> str:
    """Write a request."""
    return msgspec.json.encode(request).decode()


def _level(level: wire.Level) -> tuple[bool, TextLevel]:
    """Whether it is a bid, and its plain text."""
    amount = str(level.amount, "latin-1")
    is_ask = amount.startswith("-")
    quantity = plain(amount[1:] if is_ask else amount)
    if not quantity.strip("0.") or level.count < 0:
        raise WireFormatError("a level has no side")
    return not is_ask, (plain(str(level.price, "latin-1")), quantity if level.count else _REMOVED)
