"""Define OKX's WebSocket v5 and REST messages as typed values (manual: OKX API v5).

Nearly all numbers are texts there. Entries of lists may grow: what stands behind the fields we read is left.
"""

from msgspec import Raw, Struct

BOOKS, TRADES, TICKERS = "books", "trades", "tickers"


class Arg(Struct, rename="camel"):
    """What a message is about, and what a request asks for."""

    channel: str
    inst_id: str = ""


class Frame(Struct):
    """Every message: data of a channel, or an ``event``."""

    event: str = ""
    arg: Arg | None = None
    action: str = ""
    data: Raw = Raw(b"")
    id: str = ""
    code: str = ""
    msg: str = ""


class Level(Struct, array_like=True, gc=False):
    """How a level of a book begins; a number of orders follows."""

    price: str
    size: str


class Book(Struct, rename="camel"):
    """The one element of a book message's ``data``; the field ``checksum`` is dead, always 0."""

    asks: list[Level]
    bids: list[Level]
    ts: str
    seq_id: int
    prev_seq_id: int


class TradeEntry(Struct, rename="camel"):
    """One taker's order at one price: ``trade_id`` is its last match, ``side`` the taker's."""

    inst_id: str
    trade_id: str
    px: str
    sz: str
    side: str
    ts: str


class Request(Struct):
    """A request on the stream."""

    id: str
    op: str
    args: list[Arg]


class Body(Struct):
    """Every REST body: errors may come with HTTP 200."""

    code: str
    msg: str = ""
    data: Raw = Raw(b"[]")


class Error(Struct):
    """What is read of a body that came with another status."""

    code: str = ""


class EntryKind(Struct, rename="camel"):
    """What tells what is collected from what is left out."""

    inst_type: str
    ct_type: str = ""
    settle_ccy: str = ""


class Entry(Struct, rename="camel"):
    """What an instrument of each kind has; before its opening some texts are empty."""

    inst_id: str
    tick_sz: str
    lot_sz: str
    min_sz: str
    state: str


class Pair(Entry, rename="camel"):
    """One pair of spot."""

    base_ccy: str
    quote_ccy: str


class Contract(Entry, rename="camel"):
    """One linear swap: ``ct_val`` of ``ct_val_ccy`` are in a contract, ``ct_mult`` times."""

    settle_ccy: str
    ct_val: str
    ct_val_ccy: str
    ct_mult: str = "1"


class CandleRow(Struct, array_like=True):
    """How a row of candles begins; the volume of a swap counts contracts."""

    open_time: str
    open: str
    high: str
    low: str
    close: str
    volume: str


class RestBook(Struct, rename="camel"):
    """The one element of a book over REST."""

    asks: list[Level]
    bids: list[Level]
    ts: str
    seq_id: int
