"""Carry out what a client asks of the market's channels: books, trades and candles."""

from collections.abc import Callable

from twap_models.base import WireModel
from twap_models.enums import AGGREGATE, Interval
from twap_models.stream import Subscribe, Subscribed, Unsubscribe
from twap_server.api.stream.book_messages import BookSource
from twap_server.api.stream.subscriptions import StreamSubscriptions
from twap_server.domain.errors import InvalidRequest
from twap_server.feed.bus import BookTopic, CandleTopic, Inbox, TradeTopic


class MarketChannels:
    """Those of one session. What is known comes right after ``subscribed``."""

    def __init__(self, subscriptions: StreamSubscriptions, books: BookSource, inbox: Inbox) -> None:
        """Deliver to ``inbox``."""
        self._subscriptions, self._books, self._inbox = subscriptions, books, inbox

    async def prepare(self, wanted: Subscribe, user_id: str) -> None:
        """Wait for what ``subscribe`` needs to know.

        Raises:
            InvalidRequest, UnknownExchange, UnknownSymbol, ExchangeUnavailable: as there.
            EngineBusy: what the user took cannot be known now.
        """
        if wanted.channel == "book" and wanted.own is True:
            await self._books.look(user_id, *_market_of(wanted))

    def subscribe(self, wanted: Subscribe, user_id: str, *, say: Callable[[WireModel], None]) -> None:
        """Begin to read what is wanted, and ``say`` so.

        Raises:
            InvalidRequest: no symbol, or not one exchange where one is needed.
            UnknownExchange, UnknownSymbol, ExchangeUnavailable, TooManySubscriptions, BookUnavailable.
        """
        exchange, symbol = _market_of(wanted)
        match wanted.channel:
            case "trades":
                trades = self._subscriptions.add_trades(exchange, symbol, user_id=user_id)
                say(_subscribed(wanted, trades))
                self._subscriptions.begin_trades(trades)
            case "klines":
                interval = wanted.interval or Interval.M1
                candles = self._subscriptions.add_candles(exchange, symbol, interval, user_id=user_id)
                say(_subscribed(wanted, candles))
                self._subscriptions.begin_candles(candles)
            case _:
                book = self._subscriptions.add_book(
                    exchange, symbol, user_id=user_id, depth=wanted.depth, own=wanted.own is True
                )
                say(_subscribed(wanted, book))
                self._inbox.put_book(book, self._books.frame(book))

    def unsubscribe(self, unwanted: Unsubscribe) -> None:
        """Read it no more, if it is read."""
        if unwanted.symbol is None:
            return
        exchange, symbol = unwanted.exchange or AGGREGATE, unwanted.symbol
        match unwanted.channel:
            case "trades":
                self._subscriptions.remove_trades(exchange, symbol)
            case "klines":
                self._subscriptions.remove_candles(exchange, symbol, unwanted.interval or Interval.M1)
            case _:
                self._subscriptions.remove_book(exchange, symbol)

    def clear(self) -> None:
        """Give everything back."""
        self._subscriptions.clear()


def _market_of(wanted: Subscribe) -> tuple[str, str]:
    """The exchange, or ``aggregate``, and the spelling."""
    if wanted.symbol is None:
        raise InvalidRequest("symbol: is missing", field="symbol")
    return wanted.exchange or AGGREGATE, wanted.symbol


def _subscribed(wanted: Subscribe, topic: BookTopic | TradeTopic | CandleTopic) -> Subscribed:
    return Subscribed(
        channel=wanted.channel,
        exchange=topic.exchange,
        symbol=topic.asked,
        instrument=topic.symbol,
        interval=topic.interval.value if isinstance(topic, CandleTopic) else None,
    )
