"""Define Gate's spot messages as typed values (manual: Spot WebSocket v4, API v4 Spot).

Numbers are text on the wire and stay text here. Fields we do not use are not listed: the decoder skips them.
"""

from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct

Epoch = Annotated[int, Meta(ge=0)]
"""Milliseconds since the epoch."""

Id = Annotated[int, Meta(ge=0)]

Levels = list[tuple[str, str]]


class BookResult(Struct, gc=False):
    """Changed levels with absolute amounts, zero removes; with ``full`` all levels of the book."""

    t: Epoch
    s: str
    u: Id
    b: Levels
    a: Levels
    U: Id | None = None
    full: bool = False


class BookUpdate(Struct, tag_field="channel", tag="spot.order_book_update", gc=False):
    """U and u are the first and last update id covered."""

    event: Literal["update"]
    result: BookResult


class TradeResult(Struct, gc=False):
    """``side`` is the taker's; the time in milliseconds has decimals."""

    id: Id
    create_time_ms: str
    side: Literal["buy", "sell"]
    currency_pair: str
    amount: str
    price: str


class TradeUpdate(Struct, tag_field="channel", tag="spot.trades", gc=False):
    """Each trade, as it happens."""

    event: Literal["update"]
    result: TradeResult


class TickerUpdate(Struct, tag_field="channel", tag="spot.tickers", gc=False):
    """Once a second at most: only to hear the connection."""

    event: Literal["update"]


class Pong(Struct, tag_field="channel", tag="spot.pong", gc=False):
    """The answer to our ping."""


Message = BookUpdate | TradeUpdate | TickerUpdate | Pong

BOOK = "spot.order_book_update"
NO_BOOKS = ("spot.trades", "spot.tickers", "spot.pong", "spot.candlesticks")


class ErrorMessage(Struct):
    """Why a request is refused."""

    code: int = 0
    message: str = ""


class Control(Struct):
    """An answer to a request, or a notice of the system."""

    event: str
    channel: str = ""
    id: int | None = None
    error: ErrorMessage | None = None
    result: Raw = Raw(b"")


class Request(Struct):
    """A request on the stream; ``time`` in seconds, at most a minute from the exchange's own."""

    time: int
    id: int
    channel: str
    event: str
    payload: list[str]


class Ping(Struct):
    """Our ping."""

    time: int
    channel: str = "spot.ping"


class RestError(Struct):
    """The body of any answer other than 200."""

    label: str
    message: str = ""


class Pair(Struct):
    """One entry of ``GET /spot/currency_pairs``; a minimum that is null or missing is none."""

    id: str
    base: str
    quote: str
    trade_status: str
    precision: int | None = None
    amount_precision: int | None = None
    min_base_amount: str | None = None
    min_quote_amount: str | None = None


class CandleRow(Struct, array_like=True):
    """How a row of ``GET /spot/candlesticks`` begins, time in seconds: the close stands before the open."""

    open_time: str
    quote_volume: str
    close: str
    high: str
    low: str
    open: str
    volume: str


class Book(Struct):
    """``GET /spot/order_book`` with ``with_id``."""

    id: Id
    asks: Levels
    bids: Levels
