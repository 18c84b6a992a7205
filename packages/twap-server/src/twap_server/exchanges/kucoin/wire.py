"""Define KuCoin's spot messages as typed values (manual: UTA WebSocket; Spot REST market data).

Numbers are text on the wire and stay text here. Fields we do not use are not listed: the decoder skips them.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw, Struct

Epoch = Annotated[int, Meta(ge=0)]
"""Nanoseconds since the epoch."""

Id = Annotated[int, Meta(ge=0)]

Levels = list[tuple[str, str]]

DEPTH = "increment@10ms"
"""A snapshot of the best 500 levels a side, then their changes."""


class BookData(Struct, gc=False):
    """O and C are the first and last number covered; a size of zero removes."""

    O: Id  # noqa: E741  # as on the wire
    C: Id
    M: Epoch
    s: str
    b: Levels
    a: Levels


class BookUpdate(Struct, tag_field="T", tag="obu.SPOT", gc=False):
    """The book, or changes of it."""

    dp: Literal["increment@10ms"]
    t: Literal["snapshot", "delta"]
    d: BookData


class TradeData(Struct, gc=False):
    """``S`` is the taker's side, in either case."""

    M: Epoch
    S: Literal["buy", "sell", "BUY", "SELL"]
    p: str
    q: str
    s: str
    ti: str


class TradeUpdate(Struct, tag_field="T", tag="trade.SPOT", gc=False):
    """Each trade, as it happens."""

    d: TradeData


class TickerUpdate(Struct, tag_field="T", tag="ticker.SPOT", gc=False):
    """Whenever the best prices change: only to hear the connection."""


Message = BookUpdate | TradeUpdate | TickerUpdate

NO_BOOKS = ("trade.SPOT", "ticker.SPOT", "kline.SPOT")


class Control(Struct):
    """An answer to a request, the welcome, a pong or an error: told apart by what is there."""

    id: str | int | None = None
    result: bool | str | None = None
    type: str = ""
    message: str = ""
    reason: str = ""
    msg: str = ""
    code: str | int | None = None
    T: Raw | msgspec.UnsetType = msgspec.UNSET
    d: Raw | msgspec.UnsetType = msgspec.UNSET


class Request(Struct, omit_defaults=True):
    """A request on the stream, about one symbol."""

    id: str
    action: Literal["subscribe", "unsubscribe"]
    channel: str
    symbol: str
    depth: str = ""
    tradeType: str = msgspec.field(default_factory=lambda: "SPOT")


class Ping(Struct):
    """Our ping."""

    id: str
    type: str = "ping"


class Body(Struct):
    """Every REST body: errors may come with HTTP 200."""

    code: str
    data: Raw = Raw(b"null")
    msg: str = ""


class Symbol(Struct):
    """One entry of ``GET /api/v2/symbols``."""

    symbol: str
    baseCurrency: str
    quoteCurrency: str
    enableTrading: bool
    priceIncrement: str | None = None
    baseIncrement: str | None = None
    baseMinSize: str | None = None
    minFunds: str | None = None


class CandleRow(Struct, array_like=True):
    """How a row of ``GET /api/v1/market/candles`` begins, in seconds: the close stands before the high."""

    open_time: str
    open: str
    close: str
    high: str
    low: str
    volume: str


class Book(Struct):
    """``GET /api/v1/market/orderbook/level2_100``."""

    sequence: str
    bids: Levels
    asks: Levels
