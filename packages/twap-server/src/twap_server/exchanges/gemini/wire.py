"""Define Gemini's WebSocket and REST messages as typed values (manual: WebSocket API streams, REST API).

On the stream numbers are texts, over REST some are JSON numbers, also in exponent form. Markets are named in
lower case on the stream, in capitals over REST.
"""

from decimal import Decimal
from typing import Final

from msgspec import Raw, Struct

DEPTH, TRADES, BEST = "depth@100ms", "trade", "bookTicker"
"""What streams are called after the market's name."""
BOOK: Final = "depthUpdate"

Levels = list[tuple[str, str]]


class Problem(Struct):
    """Why a request is refused."""

    code: int = 0
    msg: str = ""


class Frame(Struct):
    """Every message, told apart by what is there: only books have an ``e``, answers a ``status``."""

    e: str = ""
    E: int = 0
    s: str = ""
    U: int = -1
    u: int = -1
    b: Raw = Raw(b"")
    a: Raw = Raw(b"")
    t: int | None = None
    p: str = ""
    q: str = ""
    m: bool | None = None
    """Of a trade: whether the maker bought."""
    id: int | str | None = None
    status: int | None = None
    error: Problem | None = None


class Request(Struct, omit_defaults=True):
    """A request on the stream; one wrong name refuses them all."""

    id: str
    method: str
    params: list[str] = []


class Details(Struct):
    """One market: ``tick_size`` is the step of quantities, ``quote_increment`` that of prices."""

    symbol: str
    base_currency: str
    quote_currency: str
    tick_size: Decimal
    quote_increment: Decimal
    min_order_size: str
    status: str
    product_type: str | None = None


class CandleRow(Struct, array_like=True):
    """How a row of candles begins; all are numbers."""

    open_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class RestLevel(Struct):
    """A level of a book over REST."""

    price: str
    amount: str


class RestBook(Struct):
    """A book over REST; it has no number."""

    bids: list[RestLevel]
    asks: list[RestLevel]


class Error(Struct):
    """What is read of a body that came with another status."""

    reason: str = ""
    message: str = ""
