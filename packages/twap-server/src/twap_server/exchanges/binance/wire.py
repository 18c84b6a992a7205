"""Define Binance Spot's messages as typed values (manual: WebSocket Streams, General REST API).

Numbers are text on the wire and stay text here. Fields we do not use are not listed: the decoder skips them.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

Epoch = Annotated[int, Meta(ge=0)]
"""Milliseconds since the epoch; microseconds where the connection was asked for them (``timeUnit``)."""

Id = Annotated[int, Meta(ge=0)]

Levels = list[tuple[str, str]]

_NONE = Raw(b'"0"')


class DepthUpdate(Struct, tag_field="e", tag="depthUpdate", gc=False):
    """``<symbol>@depth@100ms``: U and u are the first and last update id covered."""

    E: Epoch
    s: str
    U: Id
    u: Id
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


class KlineMessage(Struct, tag_field="e", tag="kline", gc=False):
    """``<symbol>@kline_1m``: only the canary."""


class ServerShutdown(Struct, tag_field="e", tag="serverShutdown", gc=False):
    """The server is about to close the connection."""


class Stream(Struct, gc=False):
    """What the combined stream wraps around each message."""

    data: DepthUpdate | TradeMessage | KlineMessage | ServerShutdown


class Control(Struct):
    """An acknowledgement (``result`` null), an error (bare or in ``error``), or a notice."""

    id: int | str | None = None
    code: int | None = None
    msg: str = ""
    error: "ErrorMessage | None" = None
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    e: str = ""


class ErrorMessage(Struct):
    """An error inside a control message."""

    code: int = 0
    msg: str = ""


class Depth(Struct):
    """``GET /api/v3/depth``."""

    lastUpdateId: Id
    bids: Levels
    asks: Levels


class Filter(Struct):
    """One of a symbol's filters; which fields it has, and of which kind, depends on its type."""

    filterType: str
    tickSize: Raw = _NONE
    stepSize: Raw = _NONE
    minQty: Raw = _NONE
    minNotional: Raw = _NONE


class SymbolEntry(Struct):
    """One symbol of ``GET /api/v3/exchangeInfo``."""

    symbol: str
    status: str
    baseAsset: str
    quoteAsset: str
    filters: list[Filter]
    isSpotTradingAllowed: bool = True


class ExchangeInfo(Struct):
    """``GET /api/v3/exchangeInfo``."""

    symbols: list[Raw]
    """Each a ``SymbolEntry``, read one by one."""


class KlineRow(Struct, array_like=True):
    """How a row of ``GET /api/v3/klines`` begins; the rest of it is not used."""

    open_time: Epoch
    open: str
    high: str
    low: str
    close: str
    volume: str
    close_time: Epoch


class SubscribeRequest(Struct):
    """A request on the stream."""

    method: str
    params: list[str]
    id: int
