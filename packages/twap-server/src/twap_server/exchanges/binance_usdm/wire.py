"""Define Binance USD-M's messages as typed values (manual: USDⓈ-M Futures).

Numbers are text on the wire and stay text here. Fields we do not use are not listed: the decoder skips them.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

Epoch = Annotated[int, Meta(ge=0)]
"""Milliseconds since the epoch."""

Id = Annotated[int, Meta(ge=0)]

Levels = list[tuple[str, str]]

_NONE = Raw(b'"0"')


class DepthUpdate(Struct, tag_field="e", tag="depthUpdate", gc=False):
    """``<symbol>@depth@100ms``: u is its last update id, pu that of the message before it.

    ``<symbol>@depth5@500ms`` has the same fields, and is a whole book of five levels.
    """

    E: Epoch
    s: str
    u: Id
    pu: Id
    b: Levels
    a: Levels


class TradeMessage(Struct, tag_field="e", tag="trade", gc=False):
    """``<symbol>@trade``: m says that the buyer was the maker, so the taker sold."""

    s: str
    t: Id
    p: str
    q: str
    T: Epoch
    m: bool
    X: str = "MARKET"
    """``MARKET``; others did not meet the book (``INSURANCE_FUND``, ``ADL``, ``NA``)."""


class BookTicker(Struct, tag_field="e", tag="bookTicker", gc=False):
    """``<symbol>@bookTicker``: not asked for."""


class Stream(Struct, gc=False):
    """What the combined stream wraps around each message."""

    stream: str
    data: DepthUpdate | TradeMessage | BookTicker


class Control(Struct):
    """An acknowledgement (``result`` null), or an error (bare or in ``error``)."""

    id: int | str | None = None
    code: int | None = None
    msg: str = ""
    error: "ErrorMessage | None" = None
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class ErrorMessage(Struct):
    """An error inside a control message, and over REST."""

    code: int = 0
    msg: str = ""


class Depth(Struct):
    """``GET /fapi/v1/depth``."""

    lastUpdateId: Id
    bids: Levels
    asks: Levels


class Filter(Struct):
    """One of a symbol's filters; which fields it has, and of which kind, depends on its type."""

    filterType: str
    tickSize: Raw = _NONE
    stepSize: Raw = _NONE
    minQty: Raw = _NONE
    notional: Raw = _NONE


class Contract(Struct):
    """What tells a perpetual from what is left out."""

    contractType: str


class SymbolEntry(Struct):
    """One perpetual of ``GET /fapi/v1/exchangeInfo``."""

    symbol: str
    status: str
    baseAsset: str
    quoteAsset: str
    marginAsset: str
    filters: list[Filter]


class ExchangeInfo(Struct):
    """``GET /fapi/v1/exchangeInfo``."""

    symbols: list[Raw]
    """Each a ``Contract``, read one by one."""


class KlineRow(Struct, array_like=True):
    """One row of ``GET /fapi/v1/klines``."""

    open_time: Epoch
    open: str
    high: str
    low: str
    close: str
    volume: str
    close_time: Epoch
