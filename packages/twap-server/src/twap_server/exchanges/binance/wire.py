"""Define Binance's messages as typed values, of spot and of USD-M futures.

Manuals: WebSocket Streams for Binance, REST API (binance-spot-api-docs); USDⓈ-M Futures. Numbers are text on
the wire and stay text here. Fields we do not use are not listed: the decoder skips them.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

Epoch = Annotated[int, Meta(ge=0)]
"""Milliseconds since the epoch; microseconds where the connection was asked for them (``timeUnit``)."""

Id = Annotated[int, Meta(ge=0)]

Levels = list[tuple[str, str]]

_NONE = Raw(b'"0"')


class SpotDepth(Struct, tag_field="e", tag="depthUpdate", gc=False):
    """``<symbol>@depth@100ms`` of spot: U and u are the first and last update id covered."""

    E: Epoch
    s: str
    U: Id
    u: Id
    b: Levels
    a: Levels


class UsdmDepth(Struct, tag_field="e", tag="depthUpdate", gc=False):
    """``<symbol>@depth@100ms`` of USD-M: u is its last update id, pu that of the message before it.

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


class UsdmTradeMessage(TradeMessage, tag_field="e", tag="trade", gc=False):
    """The same with its kind."""

    X: str = "MARKET"
    """``MARKET``; others did not meet the book (``INSURANCE_FUND``, ``ADL``, ``NA``)."""


class KlineMessage(Struct, tag_field="e", tag="kline", gc=False):
    """``<symbol>@kline_1m``: only the canary of spot."""


class ServerShutdown(Struct, tag_field="e", tag="serverShutdown", gc=False):
    """The server is about to close the connection."""


class BookTicker(Struct, tag_field="e", tag="bookTicker", gc=False):
    """``<symbol>@bookTicker``: not asked for."""


class SpotFrame(Struct, gc=False):
    """What the combined stream of spot wraps around each message."""

    data: SpotDepth | TradeMessage | KlineMessage | ServerShutdown


class UsdmFrame(Struct, gc=False):
    """What the combined stream of USD-M wraps around each message."""

    stream: str
    data: UsdmDepth | UsdmTradeMessage | BookTicker


class Control(Struct):
    """An acknowledgement (``result`` null), an error (bare or in ``error``), or a notice."""

    id: int | str | None = None
    code: int | None = None
    msg: str = ""
    error: "ErrorMessage | None" = None
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    e: str = ""


class ErrorMessage(Struct):
    """An error inside a control message, and over REST."""

    code: int = 0
    msg: str = ""


class Depth(Struct):
    """A book over REST."""

    lastUpdateId: Id
    bids: Levels
    asks: Levels


class Filter(Struct):
    """One of a symbol's filters; which fields it has, and of which kind, depends on its type and market."""

    filterType: str
    tickSize: Raw = _NONE
    stepSize: Raw = _NONE
    minQty: Raw = _NONE
    minNotional: Raw = _NONE
    notional: Raw = _NONE


class SymbolEntry(Struct):
    """What a symbol of ``exchangeInfo`` has on each market."""

    symbol: str
    status: str
    baseAsset: str
    quoteAsset: str
    filters: list[Filter]


class SpotSymbol(SymbolEntry):
    """One symbol of spot."""

    isSpotTradingAllowed: bool = True


class ContractKind(Struct):
    """What tells a perpetual of USD-M from what is left out."""

    contractType: str


class Contract(SymbolEntry):
    """One perpetual of USD-M."""

    marginAsset: str


class ExchangeInfo(Struct):
    """``exchangeInfo``."""

    symbols: list[Raw]
    """Read one by one."""


class KlineRow(Struct, array_like=True):
    """How a row of ``klines`` begins; the rest of it is not used."""

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
