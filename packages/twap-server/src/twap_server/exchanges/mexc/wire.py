"""Define MEXC's messages (manual: Spot V3, Websocket Market Streams; its published ``.proto`` files; REST).

What is asked and answered on the stream is JSON, market data is protobuf: the numbers of its fields are here.
"""

from typing import Final

from msgspec import Raw, Struct

Levels = list[tuple[str, str]]

BOOK, TRADES, BEST = "aggre.depth", "aggre.deals", "aggre.bookTicker"
"""What channels are about."""
SPEED: Final = "100ms"
PONG: Final = "PONG"


class Wrapper:
    """Fields of every message of market data."""

    CHANNEL, SYMBOL, CREATED, SENT = 1, 3, 5, 6
    BOOK, TRADES = 313, 314


class BookFields:
    """Fields of changes of a book: its versions, as texts, continue those of the message before."""

    ASKS, BIDS, FROM, TO = 1, 2, 4, 5
    PRICE, QUANTITY = 1, 2
    """Of a level; a quantity of zero removes it."""


class TradeFields:
    """Fields of trades."""

    DEALS = 1
    PRICE, QUANTITY, SIDE, TIME, ID = 1, 2, 3, 4, 5
    """Of one trade; its side is the taker's, 1 buys and 2 sells."""


class Control(Struct):
    """Every JSON message: an answer. A refusal has the code 0, too: only its text tells."""

    code: int
    msg: str = ""


class Request(Struct, omit_defaults=True):
    """A request on the stream."""

    method: str
    params: list[str] = []


class Listed(Struct):
    """``exchangeInfo``."""

    symbols: list[Raw]


class SymbolEntry(Struct, rename="camel"):
    """One market: the decimals of prices and quantities, its minimums as numbers in texts."""

    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    base_asset_precision: int
    quote_asset_precision: int
    base_size_precision: str = "0"
    quote_amount_precision: str = "0"
    is_spot_trading_allowed: bool = True


class CandleRow(Struct, array_like=True):
    """How a row of candles begins."""

    open_time: int
    open: str
    high: str
    low: str
    close: str
    volume: str


class RestBook(Struct, rename="camel"):
    """A book over REST."""

    last_update_id: int
    bids: Levels
    asks: Levels


class Error(Struct):
    """What is read of a body that came with another status."""

    code: int = 0
    msg: str = ""
