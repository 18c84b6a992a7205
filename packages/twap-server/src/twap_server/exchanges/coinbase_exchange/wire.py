"""Define Coinbase Exchange's messages as typed values (manual: WebSocket Channels, REST API).

Numbers are text on the stream and stay text here; those of candles are JSON numbers and stay raw bytes.
Fields we do not use are not listed: the decoder skips them.
"""

from typing import Literal

from msgspec import Raw, Struct

Side = Literal["buy", "sell"]

Levels = list[tuple[str, str]]


class L2Update(Struct, tag_field="type", tag="l2update", gc=False):
    """Channel ``level2_batch``: side, price and absolute size of each changed level; zero removes."""

    product_id: str
    changes: list[tuple[Side, str, str]]
    time: str


class Snapshot(Struct, tag_field="type", tag="snapshot", gc=False):
    """The whole book, sent once after subscribing. The recorded ones carry no time."""

    product_id: str
    bids: Levels
    asks: Levels
    time: str | None = None


class Match(Struct, tag_field="type", tag="match", gc=False):
    """Channel ``matches``: ``side`` is the maker's; trade ids of a product have no holes."""

    product_id: str
    trade_id: int
    side: Side
    price: str
    size: str
    time: str


class LastMatch(Struct, tag_field="type", tag="last_match", gc=False):
    """The latest match before we subscribed: it may be old, so it is no news."""


class Heartbeat(Struct, tag_field="type", tag="heartbeat", gc=False):
    """Channel ``heartbeat``: once a second and product."""


class Channel(Struct):
    """One channel of an acknowledgement; ``level2_batch`` is called ``level2_50`` there."""

    name: str
    product_ids: list[str] = []


class Subscriptions(Struct, tag_field="type", tag="subscriptions", gc=False):
    """The acknowledgement: everything this connection is subscribed to now, without a request's id."""

    channels: list[Channel]


class Error(Struct, tag_field="type", tag="error", gc=False):
    """The whole request was refused, without its id; the reason names a product at best."""

    message: str = ""
    reason: str = ""


Message = L2Update | Snapshot | Match | LastMatch | Heartbeat | Subscriptions | Error

BOOKS = ("l2update", "snapshot")
NO_BOOKS = ("match", "last_match", "heartbeat", "subscriptions", "error")
"""New types may be added at any time and are to be ignored (manual)."""


class Request(Struct):
    """A request on the stream."""

    type: Literal["subscribe", "unsubscribe"]
    product_ids: list[str]
    channels: list[str]


class Product(Struct):
    """One entry of ``GET /products``; today's have no ``base_min_size``."""

    id: str
    base_currency: str
    quote_currency: str
    quote_increment: str = "0"
    base_increment: str = "0"
    min_market_funds: str = "0"
    base_min_size: str = "0"
    status: str = "online"
    trading_disabled: bool = False
    cancel_only: bool = False
    post_only: bool = False
    limit_only: bool = False
    auction_mode: bool = False


class CandleRow(Struct, array_like=True):
    """A row of ``GET /products/{id}/candles``, time in whole seconds: low and high stand before the open."""

    open_time: int
    low: Raw
    high: Raw
    open: Raw
    close: Raw
    volume: Raw


BookLevel = tuple[str, str, Raw]
"""Price, size, number of orders."""


class Book(Struct):
    """``GET /products/{id}/book?level=2``."""

    bids: list[BookLevel]
    asks: list[BookLevel]
