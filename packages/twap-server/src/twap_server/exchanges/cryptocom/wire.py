"""Define Crypto.com's WebSocket and REST messages as typed values (manual: Exchange API v1).

Numbers are texts there, times and ids are not. What stands behind the fields we read is left.
"""

from typing import Final

from msgspec import Raw, Struct

BOOK, UPDATE, TRADE, TICKER = "book", "book.update", "trade", "ticker"
"""What a message with data is about."""

HEARTBEAT: Final = "public/heartbeat"
SPOT: Final = "CCY_PAIR"


class Frame(Struct):
    """Every message: data has a ``result``, and looks like an acknowledgement else."""

    id: int = -1
    method: str = ""
    code: int = 0
    message: str = ""
    channel: str = ""
    """Of an answer: the channel as it was asked for."""
    result: Raw = Raw(b"")


class Result(Struct):
    """Data of one channel."""

    channel: str
    instrument_name: str
    data: Raw


class Level(Struct, array_like=True, gc=False):
    """How a level of a book begins; a number of orders follows, which may be 0."""

    price: str
    size: str


class Sides(Struct):
    """Changed levels: a size of zero removes."""

    bids: list[Level]
    asks: list[Level]


class Book(Struct):
    """The whole book, on the stream; ``u`` counts, in large steps. The field ``cs`` is not documented."""

    bids: list[Level]
    asks: list[Level]
    t: int
    u: int


class Update(Struct):
    """Changes of a book; ``pu`` is the ``u`` of the message before. Without levels both are the same."""

    update: Sides
    t: int
    u: int
    pu: int


class TradeEntry(Struct):
    """One trade: ``s`` is the taker's side, ``d`` its id."""

    i: str
    d: str
    t: int
    p: str
    q: str
    s: str


class Channels(Struct, omit_defaults=True):
    """What to send, and of books how."""

    channels: list[str]
    book_subscription_type: str = ""
    book_update_frequency: int = 0


class Request(Struct):
    """A request on the stream."""

    id: int
    method: str
    params: Channels


class HeartbeatAnswer(Struct):
    """What the exchange waits five seconds for, with the number that it sent."""

    id: int
    method: str = "public/respond-heartbeat"


class Body(Struct):
    """Every REST body: an error has another code, and another status most times."""

    code: int
    message: str = ""
    result: Raw = Raw(b"{}")


class Listed(Struct):
    """A ``result`` that is a list."""

    data: list[Raw]


class Kind(Struct):
    """What an entry of the list of instruments is."""

    inst_type: str


class InstrumentEntry(Struct):
    """One spot instrument. Minimums are not listed."""

    symbol: str
    base_ccy: str
    quote_ccy: str
    price_tick_size: str
    qty_tick_size: str
    tradable: bool


class CandleRow(Struct):
    """One candle; ``t`` is when it opens."""

    t: int
    o: str
    h: str
    l: str  # noqa: E741  # as on the wire
    c: str
    v: str


class RestBook(Struct):
    """A book over REST."""

    bids: list[Level]
    asks: list[Level]
    t: int
    u: int = 0
