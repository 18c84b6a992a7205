"""Define Kraken's WebSocket v2 and REST messages as typed values (manual: docs.kraken.com, Spot).

Prices and quantities on the stream are JSON numbers: they stay raw bytes here, because the checksum is over
their digits.
"""

from msgspec import Raw, Struct


class AckResult(Struct):
    """What was acknowledged; fields differ by channel."""

    channel: str = ""
    symbol: str | None = None


class Frame(Struct):
    """Every message: data of a ``channel``, or the answer to a ``method``."""

    channel: str = ""
    type: str = ""
    data: Raw = Raw(b"")
    method: str = ""
    success: bool | None = None
    error: str = ""
    symbol: str | None = None
    req_id: int | None = None
    result: AckResult | None = None


class Level(Struct, gc=False):
    """One level of a book."""

    price: Raw
    qty: Raw


class Book(Struct):
    """The one element of a book message's ``data``."""

    symbol: str
    bids: list[Level]
    asks: list[Level]
    checksum: int | None = None
    timestamp: str | None = None


class TradeEntry(Struct):
    """One trade; ``side`` is the taker's."""

    symbol: str
    side: str
    price: Raw
    qty: Raw
    trade_id: int
    timestamp: str


class BookParams(Struct):
    """Parameters of a request on the channel ``book``."""

    symbol: list[str]
    depth: int
    channel: str = "book"


class TradeParams(Struct):
    """Parameters of a request on the channel ``trade``."""

    symbol: list[str]
    channel: str = "trade"
    snapshot: bool = False


class SystemEntry(Struct):
    """The one element of a status message's ``data``."""

    system: str


class PairEntry(Struct):
    """One pair of the channel ``instrument``, as far as we read it: it may change at any time."""

    symbol: str
    status: str


class Reference(Struct):
    """``data`` of the channel ``instrument``: an object here."""

    pairs: list[Raw] = []


class InstrumentParams(Struct, frozen=True):
    """Parameters of a request on the channel ``instrument``."""

    channel: str = "instrument"


class InstrumentRequest(Struct):
    """A request for the state of all pairs."""

    req_id: int
    method: str = "subscribe"
    params: InstrumentParams = InstrumentParams()


class Request(Struct, omit_defaults=True):
    """A request on the stream."""

    method: str
    req_id: int
    params: BookParams | None = None


class TradeRequest(Struct):
    """A request for trades."""

    method: str
    req_id: int
    params: TradeParams


class Body(Struct):
    """Every REST body: errors come with HTTP 200."""

    error: list[str]
    result: Raw = Raw(b"{}")


class AssetPair(Struct):
    """One entry of ``AssetPairs``; dark pools have no ``wsname``."""

    altname: str
    wsname: str = ""
    pair_decimals: int | None = None
    lot_decimals: int | None = None
    tick_size: str | None = None
    ordermin: str = "0"
    costmin: str = "0"
    status: str = "online"


class OhlcRow(Struct, array_like=True):
    """How a row of ``OHLC`` begins; times are whole seconds."""

    open_time: int
    open: str
    high: str
    low: str
    close: str
    vwap: str
    volume: str


class RestDepth(Struct):
    """``Depth``: price, volume, time."""

    bids: list[tuple[str, str, int]]
    asks: list[tuple[str, str, int]]
