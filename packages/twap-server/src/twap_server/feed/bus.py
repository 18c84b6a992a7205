"""Publish typed messages to subscribers by topic. Publishing never blocks and never raises.

Topics: a book of one exchange (or of all, merged) under the spelling its readers asked for, the trades and
the candles there, and the order events of one user. All but these travel as encoded messages: they are
built once for all readers served at a time.
"""

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple, TypeAlias

from twap_models.enums import Interval
from twap_server.domain.orders.order import OrderEvent
from twap_server.feed.mailbox import Mailbox
from twap_server.feed.newest import Counted
from twap_server.feed.phases import StaggeredSubscribers, after
from twap_server.feed.readers import TopicReaders


class BookTopic(NamedTuple):
    """Which book, under which spelling its messages name it."""

    exchange: str
    """An exchange, or ``aggregate``."""
    symbol: str
    """Canonical."""
    asked: str
    """As the readers spelled it: messages echo it."""
    depth: int | None = None
    """Levels a side; None: what the server sends by default."""
    owner: str = ""
    """The user whose own impact is shown, and who alone reads it; empty: nobody's."""


class TradeTopic(NamedTuple):
    """Whose trades, under which spelling their messages name it."""

    exchange: str
    """An exchange, or ``aggregate``."""
    symbol: str
    """Canonical."""
    asked: str
    """As the readers spelled it: messages echo it."""


class CandleTopic(NamedTuple):
    """Whose candles, under which spelling their messages name them."""

    exchange: str
    """One; there are no candles of several together."""
    symbol: str
    """Canonical."""
    asked: str
    """As the readers spelled it: messages echo it."""
    interval: Interval


class EncodedMessage(NamedTuple):
    """An encoded message, ready to be sent."""

    text: str
    framed: bytes = b""
    """The same as the bytes of an unmasked WebSocket message, ready for the wire; empty: not made."""


class CatchUp(NamedTuple):
    """A reader's own mark among its events: first read what it asked for of those recorded."""

    number: int
    """The newest of a reader counts."""


Inbox: TypeAlias = Mailbox[OrderEvent | EncodedMessage | CatchUp, EncodedMessage]


class Bus:
    """Who reads what. One instance per process, used from its event loop only."""

    def __init__(self) -> None:
        """Start without readers."""
        self._books: dict[BookTopic, StaggeredSubscribers[Inbox]] = {}
        self._trades = TopicReaders[TradeTopic, Inbox]()
        self._candles = TopicReaders[CandleTopic, Inbox]()
        self._orders: dict[str, dict[Inbox, None]] = {}
        self._phase = 0
        self.on_orders_read: Callable[[str], None] = lambda user_id: None
        """Told when a user's first reader of order events comes, and when the last one has gone."""

    def subscribe_book(self, topic: BookTopic, inbox: Inbox) -> None:
        """Deliver the topic's books to ``inbox``; twice is once."""
        subscribers = self._books.get(topic)
        if subscribers is None:
            subscribers = self._books[topic] = StaggeredSubscribers(self._phase)
            self._phase = after(self._phase)
        subscribers.add(inbox)

    def unsubscribe_book(self, topic: BookTopic, inbox: Inbox) -> None:
        """Stop delivering, and drop a book that still waits there."""
        subscribers = self._books.get(topic)
        if subscribers is not None:
            subscribers.discard(inbox)
            if not subscribers:
                del self._books[topic]
        inbox.forget(topic)

    def subscribe_trades(self, topic: TradeTopic, inbox: Inbox) -> None:
        """Deliver the topic's trades to ``inbox``; twice is once."""
        self._trades.add(topic, inbox)

    def unsubscribe_trades(self, topic: TradeTopic, inbox: Inbox) -> None:
        """Stop delivering, and drop trades that still wait there."""
        self._trades.discard(topic, inbox)
        inbox.forget(topic)

    def trade_topics(self, symbol: str) -> Collection[TradeTopic]:
        """Topics of a canonical symbol that somebody reads."""
        return self._trades.topics(symbol)

    def trade_readers(self, topic: TradeTopic) -> Collection[Inbox]:
        """Who reads the topic."""
        return self._trades.of(topic)

    def publish_trade(self, topic: TradeTopic, trade: Counted[EncodedMessage]) -> None:
        """Give all readers of the topic this trade; who is slow loses the oldest ones."""
        for inbox in self._trades.of(topic):
            inbox.put_trade(topic, trade)

    def subscribe_candles(self, topic: CandleTopic, inbox: Inbox) -> None:
        """Deliver the topic's candles to ``inbox``; twice is once."""
        self._candles.add(topic, inbox)

    def unsubscribe_candles(self, topic: CandleTopic, inbox: Inbox) -> None:
        """Stop delivering, and drop candles that still wait there."""
        self._candles.discard(topic, inbox)
        inbox.forget(topic)

    def candle_topics(self, symbol: str) -> Collection[CandleTopic]:
        """Topics of a canonical symbol that somebody reads."""
        return self._candles.topics(symbol)

    def publish_candle(self, topic: CandleTopic, candle: EncodedMessage, *, open_time: int = 0) -> None:
        """Give all readers of the topic this candle in place of an older one that still waits.

        Args:
            topic: whose candle.
            candle: the message.
            open_time: of a candle that has ended: only one of the same interval takes its place.
        """
        for inbox in self._candles.of(topic):
            inbox.put_book(topic, candle, open_time)

    def subscribe_orders(self, user_id: str, inbox: Inbox) -> None:
        """Deliver the user's order events to ``inbox``; twice is once."""
        is_first = user_id not in self._orders
        self._orders.setdefault(user_id, {})[inbox] = None
        if is_first:
            self.on_orders_read(user_id)

    def unsubscribe_orders(self, user_id: str, inbox: Inbox) -> None:
        """Stop delivering; what already waits stays."""
        readers = self._orders.get(user_id)
        if readers is None:
            return
        readers.pop(inbox, None)
        if not readers:
            del self._orders[user_id]
            self.on_orders_read(user_id)

    def are_orders_read(self, user_id: str) -> bool:
        """Whether anybody reads the user's order events."""
        return user_id in self._orders

    def book_topics(self) -> list[BookTopic]:
        """Topics somebody reads."""
        return list(self._books)

    def readers(self, topic: BookTopic, phase: int | None = None) -> Collection[Inbox]:
        """Who reads the topic; with ``phase``, those who are served in that part of each second."""
        subscribers = self._books.get(topic)
        if subscribers is None:
            return ()
        return subscribers.all() if phase is None else subscribers.at(phase)

    def publish_book(
        self, topic: BookTopic, frame: EncodedMessage, to: Iterable[Inbox] | None = None
    ) -> None:
        """Give these readers, or all, this newest book; who has stopped reading the topic gets nothing."""
        subscribers = self._books.get(topic)
        if subscribers is None:
            return
        for inbox in subscribers.all() if to is None else to:
            if inbox in subscribers:
                inbox.put_book(topic, frame)

    def publish(self, user_id: str, event: OrderEvent) -> None:
        """Give all of the user's readers this event; a reader whose inbox is full is closed as slow."""
        for inbox in self._orders.get(user_id, ()):
            inbox.put(event)
