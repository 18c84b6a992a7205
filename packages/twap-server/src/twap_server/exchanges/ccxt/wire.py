"""Define what the process that runs ccxt and the server say to each other. Ours, so both ends read it here.

On its standard output the process writes a line of JSON each: ``Ready`` or ``Failed`` first, then ``Alive``
every few seconds. It ends when its standard input does.

``Ready`` tells a port on loopback and a secret; both are in every address below, so no other user of this
machine can feed the server:

* ``ws://127.0.0.1:PORT/SECRET/stream``: the server sends a ``Request`` each, the process a ``Message`` each:
  an answer to every request, whole books (the best levels, at most ten a second of a symbol), trades, a
  ``Beat`` a second, and ``Lost`` where a book is not known any more. It goes on trying by itself: the next
  ``Book`` heals.
* ``http://127.0.0.1:PORT/SECRET/instruments?max_age=SECONDS[&symbols=A B]``: a list of ``Market``
* ``…/candles?symbol=…&interval=…&start=MS&end=MS``: a list of ``CandleRow``, oldest first
* ``…/book?symbol=…``: a ``Book``

Other answers than 200 have a ``Problem`` as their body. Symbols are ccxt's (``BTC/USDT``, ``BTC/USDT:USDT``),
numbers are texts without an exponent, quantities are base currency, times are milliseconds since the epoch, 0
where ccxt gives none.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

RefusedAs: TypeAlias = Literal["unknown_symbol", "rate", "busy", "not_permitted", "other"]
"""``domain/market/refusal.py`` says what each means."""
LevelText: TypeAlias = tuple[str, str]
CandleRow: TypeAlias = tuple[int, str, str, str, str, str]
"""Open time, open, high, low, close, volume."""
MAX_LEVELS = 100
"""A side."""


class Ready(Struct, tag_field="type", tag="ready"):
    """The process listens."""

    port: Annotated[int, Meta(ge=1, le=65535)]
    secret: Annotated[str, Meta(min_length=16, max_length=200, pattern="^[A-Za-z0-9_-]+$")]
    intervals: tuple[str, ...]
    """Of candles, in ccxt's words."""
    polls: bool
    """Whether ccxt has no stream of books for this exchange, so that they are asked for."""
    version: str
    """Of ccxt."""


class Failed(Struct, tag_field="type", tag="failed"):
    """The process ends."""

    why: str


class Alive(Struct, tag_field="type", tag="alive"):
    """The process has not got stuck."""


Line: TypeAlias = Ready | Failed | Alive


class Request(Struct):
    """What the server asks on the stream."""

    id: int
    op: Literal["subscribe", "unsubscribe"]
    symbol: str


class Done(Struct, tag_field="type", tag="done"):
    """A request was carried out."""

    id: int


class Refusal(Struct, tag_field="type", tag="refused"):
    """A request was not carried out."""

    id: int
    kind: RefusedAs
    message: str


class Book(Struct, tag_field="type", tag="book"):
    """The whole book, best levels first."""

    symbol: str
    bids: list[LevelText]
    asks: list[LevelText]
    time: int = 0


class Lost(Struct, tag_field="type", tag="lost"):
    """A subscribed book is not known any more, until the next one."""

    symbol: str
    kind: RefusedAs
    message: str


class TradeRow(Struct):
    """One public trade."""

    id: str
    price: str
    quantity: str
    side: Literal["buy", "sell"]
    """Of the taker."""
    time: int = 0


class Trades(Struct, tag_field="type", tag="trades"):
    """New trades of a symbol, oldest first."""

    symbol: str
    trades: list[TradeRow]


class Beat(Struct, tag_field="type", tag="beat"):
    """The connection lives."""


Message: TypeAlias = Done | Refusal | Book | Lost | Trades | Beat


class Market(Struct):
    """One instrument. A step or minimum that ccxt does not know is ``0``."""

    symbol: str
    base: str
    quote: str
    tick: str
    lot: str
    min_quantity: str
    min_notional: str
    status: str
    settle: str = ""
    """What a perpetual swap is paid in; empty: spot."""
    contract_size: str = "1"
    """Base currency in one contract; lot and minimum are base currency already."""
    price_digits: int = 0
    """Most significant digits of a price; 0: as many as the tick leaves."""
    alias: str = ""
    """The exchange's own name of a spot market."""


class Problem(Struct):
    """Why there is no answer."""

    kind: RefusedAs
    message: str
