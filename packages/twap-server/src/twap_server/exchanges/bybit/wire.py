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


class Listed(Struct, rename="camel"):
    """A ``result`` that is a list, or a page of one."""

    list: list[Raw]
    next_page_cursor: str | None = None
    """Asks for the next page; empty on the last one."""


class PriceFilter(Struct, rename="camel"):
    """The grid of prices."""

    tick_size: str


class LotFilter(Struct, rename="camel"):
    """The grid of quantities, as far as the markets agree."""

    min_order_qty: str = "0"


class PairLots(LotFilter, rename="camel", kw_only=True):
    """That of a pair; ``base_precision`` is a step."""

    base_precision: str
    min_order_amt: str = "0"


class ContractLots(LotFilter, rename="camel", kw_only=True):
    """That of a contract."""

    qty_step: str
    min_notional_value: str = "0"


class Entry(Struct, rename="camel"):
    """What an instrument has on each market."""

    symbol: str
    base_coin: str
    quote_coin: str
    status: str
    price_filter: PriceFilter


class Pair(Entry, rename="camel"):
    """One instrument of spot."""

    lot_size_filter: PairLots


class ContractKind(Struct, rename="camel"):
    """What tells a perpetual from what is left out."""

    contract_type: str


class Contract(Entry, rename="camel"):
    """One linear perpetual."""

    settle_coin: str
    lot_size_filter: ContractLots


class KlineRow(Struct, array_like=True):
    """How a row of candles begins."""

    start: str
    open: str
    high: str
    low: str
    close: str
    volume: str
