"""Define Hyperliquid's messages as typed values (manual: WebSocket subscriptions, Info endpoint).

Fields we do not use are not listed: the decoder skips them.
"""

from typing import Literal

from msgspec import Raw, Struct

BOOK, BEST, TRADES = "l2Book", "bbo", "trades"
"""Channels, and the types of subscriptions."""


class Frame(Struct, gc=False):
    """What every frame has; ``data`` is as the channel says."""

    channel: str = ""
    data: Raw = Raw(b"null")


class Level(Struct, gc=False):
    """A price, and what is there."""

    px: str
    sz: str


class Book(Struct, gc=False):
    """Channel ``l2Book``, and the same over REST: bids and asks, best first, all of them each time."""

    coin: str
    time: int
    levels: tuple[list[Level], list[Level]]


class Best(Struct, gc=False):
    """Channel ``bbo``: the best bid and the best ask; null where a side is empty."""

    coin: str
    time: int
    bbo: tuple[Level | None, Level | None]


class Trade(Struct, gc=False):
    """A trade of channel ``trades``; ``side`` is the taker's: B buys, A sells. ``tid`` is a hash."""

    coin: str
    side: Literal["A", "B"]
    px: str
    sz: str
    time: int
    tid: int


class Subscription(Struct, omit_defaults=True):
    """What a request is about. With ``fast`` a book has five levels a side, and comes ten times as often."""

    type: str
    coin: str = ""
    fast: bool = False


class Request(Struct, omit_defaults=True):
    """A request on the stream. It has no number: its answer repeats it."""

    method: Literal["subscribe", "unsubscribe", "ping"]
    subscription: Subscription | None = None


class Response(Struct):
    """Channel ``subscriptionResponse``."""

    method: str
    subscription: Subscription


class CandleRange(Struct, rename="camel"):
    """Which candles, both ends included."""

    coin: str
    interval: str
    start_time: int
    end_time: int


class Question(Struct, omit_defaults=True):
    """The body of ``POST /info``."""

    type: Literal["meta", "spotMeta", "l2Book", "candleSnapshot"]
    coin: str = ""
    req: CandleRange | None = None


class Universe(Struct):
    """``meta`` and ``spotMeta``: what is traded."""

    universe: list[Raw]


class Perpetual(Struct, rename="camel"):
    """One entry of ``meta``. Its place in the list is another name of it."""

    name: str
    sz_decimals: int
    is_delisted: bool | None = None


class Tokens(Struct):
    """``spotMeta``: the assets of its pairs."""

    tokens: list[Raw]


class Token(Struct, rename="camel"):
    """An asset. Pairs name it by ``index``, which is not its place."""

    name: str
    index: int
    sz_decimals: int


class Pair(Struct):
    """One entry of ``spotMeta``: base and quote by their index."""

    name: str
    tokens: tuple[int, int]
    index: int


class Candle(Struct):
    """One candle; ``t`` in milliseconds, ``v`` in base currency."""

    t: int
    o: str
    h: str
    l: str  # noqa: E741  # its name
    c: str
    v: str
