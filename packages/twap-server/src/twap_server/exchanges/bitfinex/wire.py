"""Define Bitfinex's messages as typed values (manual: WebSocket v2, public channels; REST v2, public).

What is about the connection is an object with an ``event``. What comes on a channel is an array that begins
with the channel's number. Arrays may grow at their end. Numbers are JSON numbers, also in exponent form: they
stay raw bytes here, so that no digit is lost.
"""

from msgspec import Raw, Struct, field


class Level(Struct, array_like=True, gc=False):
    """Price, number of orders (0 removes the level), amount: above 0 a bid, below 0 an ask."""

    price: Raw
    count: int
    amount: Raw


class Update(Struct, array_like=True, gc=False):
    """One changed level: nearly every message is this one."""

    channel: int
    level: Level
    number: int | None = None


class TradeEntry(Struct, array_like=True, gc=False):
    """One trade; the amount is above 0 where the taker bought. Times are milliseconds."""

    trade_id: int
    time: int
    amount: Raw
    price: Raw


class Platform(Struct):
    """1: it works, 0: it is maintained."""

    status: int


class Answer(Struct):
    """Every object: what the exchange says of the connection, or of a request."""

    event: str
    channel: str = ""
    channel_id: int | None = field(default=None, name="chanId")
    symbol: str = ""
    request_id: int | None = field(default=None, name="subId")
    status: str = ""
    flags: int = 0
    code: int | None = None
    text: str = field(default="", name="msg")
    platform: Platform | None = None


class Conf(Struct):
    """Settings of a connection."""

    flags: int
    event: str = "conf"


class Subscribe(Struct, kw_only=True):
    """A request for one channel."""

    channel: str
    symbol: str
    request_id: int = field(name="subId")
    event: str = "subscribe"


class SubscribeBook(Subscribe, kw_only=True):
    """A request for a book: its prices as they are, each change at once, and so many levels a side."""

    channel: str = "book"
    precision: str = field(default="P0", name="prec")
    frequency: str = field(default="F0", name="freq")
    length: str = field(default="25", name="len")


class Unsubscribe(Struct):
    """Gives up a channel by its number."""

    channel_id: int = field(name="chanId")
    event: str = "unsubscribe"


class Ping(Struct):
    """Is answered by ``pong``."""

    request_id: int = field(name="cid")
    event: str = "ping"


class Failure(Struct, array_like=True):
    """An error over REST: ``["error", 10020, "symbol: invalid"]``."""

    word: str
    code: int
    text: str


class Throttled(Struct):
    """Another one: ``{"error": "ERR_RATE_LIMIT"}``."""

    error: str


class Pair(Struct, array_like=True):
    """One entry of ``pub:info:pair``: of its rules only the smallest and the largest order are documented."""

    name: str
    rules: list[Raw]


class Configs(Struct, array_like=True):
    """``pub:info:pair`` and ``pub:map:currency:sym``, asked for together."""

    pairs: list[Raw]
    names: list[tuple[str, str]]


class CandleRow(Struct, array_like=True):
    """A row of candles, time in milliseconds: the close stands before the high."""

    open_time: int
    open: Raw
    close: Raw
    high: Raw
    low: Raw
    volume: Raw
