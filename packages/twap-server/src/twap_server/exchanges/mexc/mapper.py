"""Translate MEXC's stream to the domain. In: bytes, protobuf or JSON. Out: MarketEvents, numbers as sent."""

import re
from collections.abc import Mapping, Sequence

import msgspec

from twap_models.enums import Side
from twap_server.domain.clock import Nanos
from twap_server.domain.market.entries import read_each
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import (
    BookChange,
    Heartbeat,
    MarketEvent,
    Refused,
    Subscribed,
    TextLevel,
    Trade,
)
from twap_server.exchanges.decode import decoder, envelope, from_epoch, number, whole
from twap_server.exchanges.mexc import refusals, wire
from twap_server.exchanges.mexc.protobuf import Message
from twap_server.exchanges.mexc.wire import BookFields, TradeFields, Wrapper

_decode_control = decoder(wire.Control)

_CHANNEL = re.compile(r"spot@public\.([A-Za-z.]+)\.v3\.api\.pb(?:@[0-9]+ms)?@([^\s@,\]]+)")
_HEARTBEAT: tuple[MarketEvent, ...] = (Heartbeat(),)
_NOTHING: tuple[MarketEvent, ...] = ()
_FINE = 0
_SIDES = {1: Side.BUY, 2: Side.SELL}


def channel(kind: str, native: str) -> str:
    """What a channel of a market is called."""
    return f"spot@public.{kind}.v3.api.pb@{wire.SPEED}@{native}"


def to_events(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Translate one frame; ``symbols`` maps native to canonical, others are left out.

    Raises:
        WireFormatError: the frame is none of the manual's; see ``Stream.decode``.
    """
    if isinstance(raw, str) or raw.startswith(b"{"):
        return _answer(raw, symbols)
    return _data(Message(raw), symbols)


def _data(message: Message, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Read market data. A message names its market twice: by its channel, and by itself."""
    named = _CHANNEL.fullmatch(message.text(Wrapper.CHANNEL))
    if named is None or named[2] != message.text(Wrapper.SYMBOL):
        raise WireFormatError("a message names no market, or two")
    kind, native = named[1], named[2]
    known = [symbols[native]] if native in symbols else []
    try:
        return _of_market(message, kind, known)
    except WireFormatError as error:
        is_other = kind in (wire.TRADES, wire.BEST) and Wrapper.BOOK not in message.numbers
        raise WireFormatError(
            str(error), doubted=() if is_other else known, readable=error.readable
        ) from None


def _of_market(message: Message, kind: str, known: Sequence[str]) -> Sequence[MarketEvent]:
    """Read what is about one market, whose symbol is there if anybody taught it to us."""
    books = message.messages(Wrapper.BOOK)
    if books or kind == wire.BOOK:
        return [_book(books, one, _time(message)) for one in known]
    if kind == wire.TRADES:
        trades = message.messages(Wrapper.TRADES)
        return [event for one in known for event in _trades(trades, one)]
    return _HEARTBEAT


def _time(message: Message) -> Nanos:
    return from_epoch(message.whole(Wrapper.SENT) or message.whole(Wrapper.CREATED))


def _book(books: Sequence[Message], symbol: str, at: Nanos) -> BookChange:
    if len(books) != 1:
        raise WireFormatError("a book message has no book")
    (book,) = books
    first, last = whole(book.text(BookFields.FROM)), whole(book.text(BookFields.TO))
    if last < first:
        raise WireFormatError("a book message ends before it begins")
    return BookChange(
        symbol=symbol,
        bids=_levels(book, BookFields.BIDS),
        asks=_levels(book, BookFields.ASKS),
        first_id=first,
        last_id=last,
        ts_exchange=at,
    )


def _levels(book: Message, side: int) -> list[TextLevel]:
    found = [(one.text(BookFields.PRICE), one.text(BookFields.QUANTITY)) for one in book.messages(side)]
    if not all(price and quantity for price, quantity in found):
        raise WireFormatError("a level has no price, or no quantity")
    return found


def _trades(bodies: Sequence[Message], symbol: str) -> Sequence[Trade]:
    """Read trades, oldest first.

    Raises:
        WireFormatError: one cannot be read; the others are ``readable``.
    """

    def read(deal: Message) -> Trade:
        return _trade(deal, symbol)

    deals = [deal for body in bodies for deal in body.messages(TradeFields.DEALS)]
    told = read_each(deals, read, name=lambda place, _: f"trade {place}")
    trades = sorted(told.found, key=lambda one: one.ts_exchange)
    if told.left_out or not deals:
        raise WireFormatError("a trade cannot be read", readable=trades)
    return trades


def _trade(deal: Message, symbol: str) -> Trade:
    side = _SIDES.get(deal.whole(TradeFields.SIDE))
    if side is None:
        raise WireFormatError("a trade has no side")
    return Trade(
        symbol=symbol,
        trade_id=deal.text(TradeFields.ID),
        price=number(deal.text(TradeFields.PRICE)),
        quantity=number(deal.text(TradeFields.QUANTITY)),
        taker_side=side,
        ts_exchange=from_epoch(deal.whole(TradeFields.TIME)),
        is_numbered=False,
    )


def _answer(raw: bytes | str, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Read an answer: it repeats the channel where it was granted, and says more where it was not."""
    try:
        control = _decode_control(raw)
    except WireFormatError as error:
        raise WireFormatError(str(error), doubted=None if envelope(raw) is None else ()) from None
    if control.msg == wire.PONG:
        return _NOTHING
    named = _CHANNEL.findall(control.msg)
    books: Sequence[str | None] = [
        symbols[native] for kind, native in named if kind == wire.BOOK and native in symbols
    ]
    rest = _CHANNEL.sub("", control.msg).strip(" ,[]")
    if named and not rest and control.code == _FINE:
        return [Subscribed(request_id=None, symbol=one) for one in books or [None]]
    why = refusals.of_error(control.code, rest)
    return [Refused(request_id=None, symbol=one, kind=why, message=control.msg) for one in books or [None]]


def encode(request: wire.Request) -> str:
    """Write a request."""
    return msgspec.json.encode(request).decode()
