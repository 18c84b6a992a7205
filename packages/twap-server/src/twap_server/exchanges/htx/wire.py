"""Define HTX's WebSocket and REST messages as typed values (manual: HTX spot API, market data).

Prices and quantities are JSON numbers, also in exponent form: they are read as the text that came.
"""

from decimal import Decimal
from typing import Final

from msgspec import Raw, Struct, field

BOOK, TRADES, BEST = "depth.step0", "trade.detail", "bbo"
"""What topics are called after ``market.`` and the market's name."""
FINE: Final = "ok"


class Frame(Struct):
    """Every message: data of a topic (``ch``), an answer, or a ``ping``."""

    ch: str = ""
    tick: Raw = Raw(b"")
    ts: int = 0
    id: str | int = ""
    status: str = ""
    subbed: str = ""
    unsubbed: str = ""
    ping: int | None = None
    err_code: str = field(default="", name="err-code")
    err_msg: str = field(default="", name="err-msg")


class Level(Struct, array_like=True, gc=False):
    """A level of a book."""

    price: Raw
    size: Raw


class Book(Struct):
    """The best 150 levels a side, all of them each time."""

    bids: list[Level]
    asks: list[Level]
    version: int = 0


class TradeEntry(Struct, rename="camel"):
    """One trade; ``direction`` is the taker's."""

    trade_id: int
    ts: int
    price: Raw
    amount: Raw
    direction: str


class Trades(Struct):
    """What was traded at one moment, newest first."""

    data: list[Raw]


class Sub(Struct):
    """Ask for a topic."""

    sub: str
    id: str


class Unsub(Struct):
    """Give a topic up."""

    unsub: str
    id: str


class Pong(Struct):
    """The answer to a ping, with its number."""

    pong: int


class Body(Struct):
    """Every REST body: errors come with HTTP 200."""

    status: str
    data: Raw = Raw(b"[]")
    tick: Raw = Raw(b"{}")
    err_code: str = field(default="", name="err-code")
    err_msg: str = field(default="", name="err-msg")


class SymbolEntry(Struct):
    """One market: its two assets, the decimals of price and quantity, its minimums."""

    symbol: str
    bc: str
    qc: str
    pp: int
    ap: int
    state: str
    at: str = "enabled"
    """Whether it may be traded over the API."""
    minoa: Decimal = Decimal(0)
    minov: Decimal = Decimal(0)


class CandleRow(Struct):
    """One candle: ``id`` is when it opens, in seconds, ``amount`` the base currency."""

    id: int
    open: Raw
    high: Raw
    low: Raw
    close: Raw
    amount: Raw
