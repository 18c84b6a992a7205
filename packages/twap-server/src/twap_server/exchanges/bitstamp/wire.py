"""Define Bitstamp's messages as typed values (manual: WebSocket API v2, HTTP API v2).

Fields we do not use are not listed: the decoder skips them.
"""

from typing import Literal

from msgspec import Raw, Struct

Levels = list[tuple[str, str]]

BOOK, TRADES, DIFFS = "order_book_", "live_trades_", "diff_order_book_"
"""What channels are called before the market's name. No frame names its market otherwise."""


class Frame(Struct, gc=False):
    """What every frame has; ``data`` is as the event says."""

    event: str = ""
    channel: str = ""
    data: Raw = Raw(b"null")


class Book(Struct, gc=False):
    """Event ``data`` of ``order_book_…``: the best 100 levels a side, all of them each time."""

    microtimestamp: str
    bids: Levels
    asks: Levels


class Trade(Struct, gc=False):
    """Event ``trade``: ``type`` is the taker's, 0 buys and 1 sells. Ids of a market rise and have holes."""

    id: int
    price_str: str
    amount_str: str
    type: Literal[0, 1]
    microtimestamp: str


class Problem(Struct):
    """Event ``bts:error``. ``code`` is null at times."""

    message: str = ""


class Channel(Struct):
    """What a request is about; one channel each."""

    channel: str


class Request(Struct, omit_defaults=True):
    """A request on the stream; shorter than 512 bytes, or the connection is closed."""

    event: Literal["bts:subscribe", "bts:unsubscribe", "bts:heartbeat"]
    data: Channel | None = None


class Market(Struct):
    """One entry of ``/trading-pairs-info/``, or of the newer ``/markets/``."""

    name: str
    base_decimals: int
    counter_decimals: int
    trading: str
    url_symbol: str = ""
    market_symbol: str = ""
    market_type: str | None = None
    minimum_order: str | None = None
    """A number and the quote currency, as ``10.00 USD``."""
    minimum_order_value: str | None = None
    minimum_order_amount: str | None = None
    instant_and_market_orders: str | None = None


class Candle(Struct):
    """One candle; ``timestamp`` in seconds."""

    timestamp: str
    open: str
    high: str
    low: str
    close: str
    volume: str


class CandleList(Struct):
    """Candles as they came."""

    ohlc: list[Raw]


class Candles(Struct):
    """``GET /ohlc/{market}/``."""

    data: CandleList


class RestBook(Struct):
    """``GET /order_book/{market}/?group=1``. Its times are missing at times."""

    bids: Levels
    asks: Levels


class Error(Struct):
    """An answer other than 200, in one of three forms; a few are no JSON at all."""

    reason: Raw = Raw(b"null")
    error: Raw = Raw(b"null")
    response_code: str = ""
