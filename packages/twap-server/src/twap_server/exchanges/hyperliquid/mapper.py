"""Translate Hyperliquid's stream to the domain. In: bytes. Out: what a frame says, numbers as sent."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from twap_models.enums import Side
from twap_server.domain.market.errors import WireFormatError
from twap_server.domain.market.events import BookSnapshot, MarketEvent, Refused, Subscribed, Trade
from twap_server.exchanges.decode import decoder, envelope, from_epoch, number, text_of
from twap_server.exchanges.hyperliquid import refusals, wire

Levels = list[tuple[str, str]]

_decode_frame = decoder(wire.Frame)
_decode_book = decoder(wire.Book)
_decode_best = decoder(wire.Best)
_decode_trades = decoder(list[wire.Trade])
_decode_response = decoder(wire.Response)
_decode_subscription = decoder(wire.Subscription)
_decode_text = decoder(str)

_GREETING = "Websocket connection established."
_DOUBLE = "Already subscribed"
_SUBSCRIBED = "subscribe"


def frame_of(raw: bytes | str) -> wire.Frame:
    """Open a frame; the greeting is one, though it is no JSON.

    Raises:
        WireFormatError: it is none.
    """
    if raw in (_GREETING, _GREETING.encode()):
        return wire.Frame(channel="greeting")
    return _decode_frame(raw)


def book(frame: wire.Frame, symbols: Mapping[str, str]) -> wire.Book:
    """Read a whole book."""
    try:
        found = _decode_book(bytes(frame.data))
        _check(found.time, (*found.levels[0], *found.levels[1]))
    except WireFormatError as error:
        error.doubted = _doubted(frame, symbols)
        raise
    return found


def best(frame: wire.Frame) -> wire.Best:
    """Read best prices. Without them no book is wrong: the next whole one has them."""
    try:
        found = _decode_best(bytes(frame.data))
        _check(found.time, (one for one in found.bbo if one is not None))
    except WireFormatError as error:
        error.doubted = ()
        raise
    return found


def trades(frame: wire.Frame, symbols: Mapping[str, str]) -> Sequence[Trade]:
    """Read trades, oldest first; those of other coins are left out."""
    try:
        found = _decode_trades(bytes(frame.data))
        return [_trade(one, symbols[one.coin]) for one in found if one.coin in symbols]
    except WireFormatError as error:
        error.doubted = ()
        raise


def to_snapshot(body: bytes, symbol: str) -> BookSnapshot:
    """Translate a book over REST."""
    return snapshot(_decode_book(body), None, symbol)


def snapshot(whole: wire.Book, newer: wire.Best | None, symbol: str) -> BookSnapshot:
    """Make a book, with the best prices of after it: what they have passed is gone, the rest is as it was."""
    bids, asks = ([(one.px, one.sz) for one in side] for side in whole.levels)
    time = whole.time
    if newer is not None and newer.time > time:
        time, (bid, ask) = newer.time, newer.bbo
        bids, asks = _with_best(bids, bid, sign=1), _with_best(asks, ask, sign=-1)
    return BookSnapshot(symbol=symbol, bids=bids, asks=asks, ts_exchange=from_epoch(time))


def notice(frame: wire.Frame, symbols: Mapping[str, str]) -> Sequence[MarketEvent]:
    """Translate what is neither book nor trade; nothing of what we did not ask for.

    Raises:
        WireFormatError: it may have been a book.
    """
    match frame.channel:
        case "subscriptionResponse":
            response = _decode_response(bytes(frame.data))
            return (_acknowledged(response.subscription, symbols),) if response.method == _SUBSCRIBED else ()
        case "error":
            return (_refusal(_decode_text(bytes(frame.data)), symbols),)
        case _:
            if not frame.channel or "levels" in (envelope(frame.data) or {}):
                raise WireFormatError("a frame has an unexpected shape", doubted=_doubted(frame, symbols))
            return ()


def encode(request: wire.Request) -> str:
    """Write a request."""
    return msgspec.json.encode(request).decode()


def _check(time: int, levels: Iterable[wire.Level]) -> None:
    """See that time and numbers can be read: what is kept is put together with later frames."""
    from_epoch(time)
    for one in levels:
        number(one.px)
        number(one.sz)


def _with_best(levels: Levels, best: wire.Level | None, *, sign: int) -> Levels:
    """One side behind its best price; ``sign`` 1 for bids, -1 for asks."""
    if best is None:
        return []
    price = sign * number(best.px)
    return [(best.px, best.sz), *(level for level in levels if sign * number(level[0]) < price)]


def _trade(one: wire.Trade, symbol: str) -> Trade:
    return Trade(
        symbol=symbol,
        trade_id=str(one.tid),
        price=number(one.px),
        quantity=number(one.sz),
        taker_side=Side.BUY if one.side == "B" else Side.SELL,
        ts_exchange=from_epoch(one.time),
        is_numbered=False,
    )


def _acknowledged(about: wire.Subscription, symbols: Mapping[str, str]) -> Subscribed:
    return Subscribed(request_id=None, symbol=_whose_book(about, symbols))


def _refusal(text: str, symbols: Mapping[str, str]) -> MarketEvent:
    """Read an error, which may repeat the request; what was asked for twice is there."""
    _, brace, rest = text.partition("{")
    try:
        about = _decode_subscription(brace + rest)
    except WireFormatError:
        about = wire.Subscription(type="")
    if text.startswith(_DOUBLE):
        return _acknowledged(about, symbols)
    return Refused(
        request_id=None, symbol=_whose_book(about, symbols), kind=refusals.of_text(text), message=text
    )


def _whose_book(about: wire.Subscription, symbols: Mapping[str, str]) -> str | None:
    return symbols.get(about.coin) if about.type == wire.BOOK else None


def _doubted(frame: wire.Frame, symbols: Mapping[str, str]) -> Collection[str] | None:
    """The book that a frame may have been; None: any."""
    coin = text_of((envelope(frame.data) or {}).get("coin"))
    return None if coin is None else [symbols[coin]] if coin in symbols else ()
