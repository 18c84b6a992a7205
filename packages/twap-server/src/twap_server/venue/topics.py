"""Serve a connection whose client asks for topics: the book, the trades or another stream of an instrument.

What every such protocol has in common is here: which topics are asked for, the client's view of each book,
the pace at which whole books are sent, faults in a book. A protocol reads requests and writes messages.
"""

import json
from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, Literal, NamedTuple

from twap_server.venue.candles import VenueTrade
from twap_server.venue.session import VenueSession
from twap_server.venue.source import BookEvent, Event, Pair, TradeEvent
from twap_server.venue.window import ClientBook, ToldBook

EVERY_LEVEL = 1_000_000
Kind = Literal["book", "trades", "other"]
Written = str | bytes


class Topic(NamedTuple):
    """What a client can ask for. ``channel`` is the protocol's own word, with its options."""

    kind: Kind
    symbol: str
    channel: str


class TopicSession(VenueSession):
    """One connection; a subclass speaks a protocol."""

    depth: ClassVar[int] = EVERY_LEVEL
    """Levels a side that it shows."""
    sends_whole: ClassVar[bool] = False
    """Each message is the whole book."""
    tells_first: ClassVar[bool] = True
    """A new subscription begins with the whole book; else it is asked for over REST."""
    every_ms: ClassVar[int] = 0
    """Between two whole books at least."""

    def prepare(self) -> None:
        """Begin without topics."""
        self._topics: dict[Topic, ClientBook | None] = {}
        self._sent_at: dict[Topic, int] = {}

    @abstractmethod
    def request(self, message: Any) -> None:
        """Answer a client's message: the JSON it holds, or its text where it holds none."""

    @abstractmethod
    def book(self, topic: Topic, told: ToldBook, pair: Pair) -> Written:
        """Write a message about a book."""

    @abstractmethod
    def trades(self, topic: Topic, made: Iterable[VenueTrade], pair: Pair) -> Iterable[Written]:
        """Write messages about the trades of one taker order."""

    def subscriptions(self) -> list[str]:
        """Name the topics."""
        return [f"{topic.channel}:{topic.symbol}" for topic in self._topics]

    def receive(self, message: str) -> None:
        """Answer a client's message."""
        try:
            self.request(json.loads(message))
        except ValueError:
            self.request(message)

    def pair(self, symbol: object) -> Pair | None:
        """Find an instrument by the exchange's name."""
        return self._source.pairs(self.venue).get(str(symbol))

    def tell(self, body: object) -> None:
        """Put out a JSON message that is neither of a book nor of trades."""
        self.say(json.dumps(body, separators=(",", ":")), "control")

    def join(self, topic: Topic) -> None:
        """Begin a topic; once more for one that was begun: it begins anew."""
        pair = self.pair(topic.symbol)
        if topic.kind != "book" or pair is None:
            self._topics[topic] = None
            return
        self._source.wanted(self.venue, topic.symbol)
        view = self._topics[topic] = ClientBook(pair, self.depth)
        if self.tells_first and pair.book:
            self.say(self.book(topic, view.whole(self._clock.now()), pair))

    def leave(self, topic: Topic) -> bool:
        """End a topic; False where it was not begun."""
        if topic not in self._topics:
            return False
        del self._topics[topic]
        return True

    def hear(self, event: Event) -> None:
        """Write an event for each topic that carries it."""
        for topic, view in list(self._topics.items()):
            if topic.symbol != event.symbol:
                continue
            if isinstance(event, BookEvent) and view is not None:
                self._hear_book(topic, event, view)
            elif isinstance(event, TradeEvent) and topic.kind == "trades":
                pair = self._source.pairs(self.venue)[event.symbol]
                for message in self.trades(topic, event.trades, pair):
                    self.say(message)

    def _hear_book(self, topic: Topic, event: BookEvent, view: ClientBook) -> None:
        told = self._whole(topic, event, view) if self.sends_whole else view.change(event)
        if told is None:
            return
        best = view.pair.book.asks.best
        if best is not None and self._line.take("crossed"):
            told = told.crossed(best)
        self.say(self.book(topic, told, view.pair), "book")

    def _whole(self, topic: Topic, event: BookEvent, view: ClientBook) -> ToldBook | None:
        if event.time - self._sent_at.get(topic, 0) < self.every_ms * 1_000_000:
            return None
        self._sent_at[topic] = event.time
        return view.whole(event.time)
