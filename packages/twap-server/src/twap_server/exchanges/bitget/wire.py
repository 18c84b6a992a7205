"""Define Bitget's WebSocket v2 and REST v2 messages as typed values (manual: Bitget API, spot).

Nearly all numbers are texts there. What stands behind the fields we read is left: the books' ``checksum`` is
missing today, or 0.
"""

from msgspec import Raw, Struct, field

BOOKS, TRADES, TICKER = "books", "trade", "ticker"


class Arg(Struct, rename="camel"):
    """What a message is about, and what a request asks for."""

    channel: str
    inst_id: str = ""
    inst_type: str = "SPOT"


class Frame(Struct):
    """Every message: data of a channel, or an ``event``."""

    event: str = ""
    arg: Arg | None = None
    action: str = ""
    data: Raw = Raw(b"")
    code: int | str = 0
    msg: str = ""


class Level(Struct, array_like=True, gc=False):
    """A level of a book; a size of zero removes it."""

    price: str
    size: str


class Book(Struct):
    """The whole book, or changes of it: ``pseq`` is the ``seq`` of the message before."""

    bids: list[Level]
    asks: list[Level]
    ts: str
    seq: int | str
    pseq: int | str = 0


class TradeEntry(Struct, rename="camel"):
    """One trade; ``side`` is the taker's."""

    ts: str
    price: str
    size: str
    side: str
    trade_id: str


class Request(Struct):
    """A request on the stream; at most 4,096 bytes."""

    op: str
    args: list[Arg]


class Body(Struct):
    """Every REST body."""

    code: str
    msg: str = ""
    data: Raw = Raw(b"[]")


class SymbolEntry(Struct, rename="camel"):
    """One spot instrument. The smallest value is in USDT, whatever the quote currency."""

    symbol: str
    base_coin: str
    quote_coin: str
    price_precision: str
    quantity_precision: str
    status: str
    min_trade_amount: str = "0"
    min_trade_usdt: str = field(default="0", name="minTradeUSDT")


class CandleRow(Struct, array_like=True):
    """How a row of candles begins."""

    open_time: str
    open: str
    high: str
    low: str
    close: str
    volume: str


class RestBook(Struct):
    """A book over REST; it has no number."""

    bids: list[Level]
    asks: list[Level]
    ts: str
