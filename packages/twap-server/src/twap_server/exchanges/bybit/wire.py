"""Define Bybit's WebSocket v5 and REST messages as typed values (manual: Bybit V5 API).

The market is in the address, not in the messages: spot and linear have the same topics. Times are
milliseconds.
"""

from msgspec import Raw, Struct


class Frame(Struct):
    """Every message: data of a ``topic``, or the answer to an ``op``."""

    topic: str = ""
    type: str = ""
    ts: int = 0
    data: Raw = Raw(b"")
    cts: int = 0
    """When the matching engine did it."""
    op: str = ""
    success: bool | None = None
    ret_msg: str = ""
    req_id: str = ""


class Book(Struct):
    """``data`` of a book message: price and size."""

    s: str
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]
    u: int
    """Counts this topic's messages one by one; 1: the exchange has begun anew, and sends the whole book."""


class TradeEntry(Struct):
    """One trade; ``S`` is the taker's side."""

    T: int
    s: str
    S: str
    v: str
    p: str
    i: str


class Request(Struct, omit_defaults=True):
    """A request on the stream; a ping has no ``args``."""

    req_id: str
    op: str
    args: list[str] = []


class Body(Struct, rename="camel"):
    """Every REST body: nearly all errors come with HTTP 200."""

    ret_code: int
    ret_msg: str = ""
    result: Raw = Raw(b"{}")


class Error(Struct, rename="camel"):
    """What is read of a body that came with another status."""

    ret_code: int = 0


class Listed(Struct):
    """A ``result`` that is a list."""

    list: list[Raw]


class LotFilter(Struct, rename="camel"):
    """The grid of quantities; ``base_precision`` is a step."""

    base_precision: str
    min_order_qty: str = "0"
    min_order_amt: str = "0"


class PriceFilter(Struct, rename="camel"):
    """The grid of prices."""

    tick_size: str


class InstrumentEntry(Struct, rename="camel"):
    """One spot instrument."""

    symbol: str
    base_coin: str
    quote_coin: str
    status: str
    lot_size_filter: LotFilter
    price_filter: PriceFilter


class KlineRow(Struct, array_like=True):
    """How a row of candles begins."""

    start: str
    open: str
    high: str
    low: str
    close: str
    volume: str
