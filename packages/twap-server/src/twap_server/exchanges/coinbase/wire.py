"""Define Coinbase Advanced Trade's messages as typed values (manual: WebSocket Channels, Products, Candles).

Every message of a connection carries ``sequence_num``, whatever its channel. Numbers are text and stay text.
Fields we do not use are not listed: the decoder skips them.
"""

from typing import Literal

from msgspec import Raw, Struct

Channel = Literal["level2", "market_trades", "heartbeats"]
"""As asked for. What comes of ``level2`` is called ``l2_data``."""


class Level(Struct, gc=False):
    """One changed level: absolute quantity, zero removes. Its ``event_time`` is 1970 in some snapshots."""

    side: Literal["bid", "offer"]
    price_level: str
    new_quantity: str


class BookEvent(Struct, gc=False):
    """A snapshot replaces the book. An update may be empty."""

    type: Literal["snapshot", "update"]
    product_id: str
    updates: list[Level]


class L2Data(Struct, tag_field="channel", tag="l2_data", gc=False):
    """The whole book after subscribing, then its changes."""

    sequence_num: int
    timestamp: str
    events: list[BookEvent]


class TradeEntry(Struct, gc=False):
    """``side`` is the maker's; trade ids of a product have no holes."""

    trade_id: str
    product_id: str
    price: str
    size: str
    side: Literal["BUY", "SELL"]
    time: str


class TradesEvent(Struct, gc=False):
    """What was traded in the last 250 ms; the snapshot after subscribing holds older ones: no news."""

    type: Literal["snapshot", "update"]
    trades: list[TradeEntry]


class MarketTrades(Struct, tag_field="channel", tag="market_trades", gc=False):
    """Trades of any products."""

    sequence_num: int
    events: list[TradesEvent]


class Heartbeats(Struct, tag_field="channel", tag="heartbeats", gc=False):
    """Once a second, whatever is subscribed."""

    sequence_num: int


class Channels(Struct):
    """The products of each channel that this connection is subscribed to."""

    level2: list[str] = []


class SubscriptionsEvent(Struct):
    """All subscriptions, whatever was asked last."""

    subscriptions: Channels


class Subscriptions(Struct, tag_field="channel", tag="subscriptions", gc=False):
    """The acknowledgement, without a request's id. The book's snapshot may come before it."""

    sequence_num: int
    events: list[SubscriptionsEvent]


Message = L2Data | MarketTrades | Heartbeats | Subscriptions

BOOKS = "l2_data"
NO_BOOKS = ("market_trades", "heartbeats", "subscriptions")
ERROR = "error"
"""The ``type`` of a refusal, which has neither channel nor number."""


class Request(Struct, omit_defaults=True):
    """A request on the stream: one channel each."""

    type: Literal["subscribe", "unsubscribe"]
    channel: Channel
    product_ids: list[str] = []


class Products(Struct):
    """``GET /market/products``."""

    products: list[Raw]


class Product(Struct):
    """One of them."""

    product_id: str
    base_currency_id: str
    quote_currency_id: str
    product_type: str = "SPOT"
    alias: str | None = None
    """Another product of which this one is a second name: both share one book."""
    price_increment: str | None = None
    quote_increment: str = "0"
    base_increment: str = "0"
    base_min_size: str = "0"
    quote_min_size: str = "0"
    status: str = "online"
    is_disabled: bool | None = None
    trading_disabled: bool | None = None
    view_only: bool | None = None
    cancel_only: bool | None = None
    post_only: bool | None = None
    limit_only: bool | None = None
    auction_mode: bool | None = None


class Candles(Struct):
    """``GET /market/products/{id}/candles``: newest first."""

    candles: list[Raw]


class CandleEntry(Struct):
    """One of them; ``start`` in seconds."""

    start: str
    low: str
    high: str
    open: str
    close: str
    volume: str


class BookLevel(Struct):
    """One level of a book over REST."""

    price: str
    size: str


class PriceBook(Struct):
    """Its sides."""

    bids: list[BookLevel]
    asks: list[BookLevel]


class Book(Struct):
    """``GET /market/product_book``."""

    pricebook: PriceBook


class Error(Struct):
    """An answer other than 200."""

    error: str = ""
    message: str = ""
