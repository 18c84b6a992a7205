"""Serve a connection whose client asks for topics: the book, the trades or another stream of an instrument.

What every such protocol has in common is here: which topics are asked for, the client's view of each book,
the pace at which whole books are sent, faults in a book. A protocol reads requests and writes messages.
"""

import json
from abc import abstractmethod
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

from twap_server.venue import text
from twap_server.venue.candles import VenueTrade
from twap_server.venue.faults import Kind as FrameKind
from twap_server.venue.session import SessionEndedError, VenueSession
from twap_server.venue.source import BookEvent, Event, Pair, TickerEvent, TradeEvent
from twap_server.venue.window import ClientBook, ToldBook

EVERY_LEVEL = 1_000_000
_RECENT = 30
Kind = Literal["book", "changes", "whole", "ticker", "trades", "other"]
"""A book and its changes; changes alone, which join a book from REST; the whole book each time; the best
prices; trades; what is acknowledged and never sent."""
Written: TypeAlias = Iterable[str | bytes]


class Topic(NamedTuple):
    """What a client can ask for. ``channel`` is the protocol's own word, with its options."""

    kind: Kind
    symbol: str
    channel: str
    depth: int = EVERY_LEVEL
    """Levels a side, of a book."""


class TopicSession(VenueSession):
    """One connection; a subclass speaks a protocol."""

    every_ms: ClassVar[int] = 0
    """Between two whole books at least."""
    idle_s: ClassVar[float] = 0
    """A connection that asks for nothing for so long is cut; 0: never."""
    beat_s: ClassVar[float] = 0
    """Between two calls of ``beat``; 0: none."""
    mute_s: ClassVar[float] = 0
    """A connection to which nothing was sent for so long is cut; 0: never."""
    most_topics: ClassVar[int] = 0
    """That one connection may ask for; 0: no stated limit."""

    def prepare(self) -> None:
        """Begin without topics."""
        self._topics: dict[Topic, ClientBook | None] = {}
        self._sent_at: dict[Topic, int] = {}

    def chores(self) -> list[Coroutine[Any, Any, None]]:
        """Cut a connection that asks for nothing or is told nothing; let it say by itself that it lives."""
        wanted = (
            (self.idle_s, self._cut_idle),
            (self.mute_s, self._cut_mute),
            (self.beat_s, self._keep_beating),
        )
        return [chore() for seconds, chore in wanted if seconds]

    def beat(self) -> None:
        """Put out what the exchange says again and again."""

    @abstractmethod
    def request(self, message: Any) -> None:
        """Answer a client's message: the JSON it holds, or its text where it holds none."""

    @abstractmethod
    def book(self, topic: Topic, told: ToldBook, pair: Pair) -> Written:
        """Write the messages about a book or what changed in it."""

    @abstractmethod
    def trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """Write messages about the trades of one taker order."""

    def recent_trades(self, topic: Topic, made: Sequence[VenueTrade], pair: Pair) -> Written:
        """Write what a new subscription to trades begins with; most begin with the next one."""
        return ()

    def ticker(self, topic: Topic, event: TickerEvent, pair: Pair) -> Written:
        """Write messages about new best prices."""
        return ()

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
        self.say(text.compact(body), "control")

    def is_full(self) -> bool:
        """Whether one topic more is too many."""
        return bool(self.most_topics) and len(self._topics) >= self.most_topics

    def join(self, topic: Topic) -> None:
        """Begin a topic; once more for one that was begun: it begins anew."""
        pair = self.pair(topic.symbol)
        if topic.kind not in ("book", "changes", "whole") or pair is None:
            self._topics[topic] = None
            if topic.kind == "trades" and pair is not None:
                self._say_all(self.recent_trades(topic, list(pair.trades)[-_RECENT:], pair))
            return
        self._source.wanted(self.venue, topic.symbol)
        view = self._topics[topic] = ClientBook(pair, topic.depth)
        if topic.kind == "book" and pair.book:
            self._say_all(self.book(topic, view.whole(self._clock.now()), pair))

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
            pair = self._source.pairs(self.venue)[event.symbol]
            if isinstance(event, BookEvent) and view is not None:
                self._hear_book(topic, event, view)
            elif isinstance(event, TradeEvent) and topic.kind == "trades":
                self._say_all(self.trades(topic, event.trades, pair))
            elif isinstance(event, TickerEvent) and topic.kind == "ticker":
                self._say_all(self.ticker(topic, event, pair))

    def tell_whole_books(self) -> None:
        """Write every whole book that is asked for, changed or not: for those that tell it by the clock."""
        for topic, view in list(self._topics.items()):
            if topic.kind == "whole" and view is not None and view.pair.book:
                self.tell_whole(topic, view)

    def tell_whole(self, topic: Topic, view: ClientBook) -> None:
        """Write a whole book now, with the time at which its market last did something."""
        self._tell_book(topic, view.whole(view.pair.last_time or self._clock.now()), view)

    def _hear_book(self, topic: Topic, event: BookEvent, view: ClientBook) -> None:
        told = self._whole(topic, event, view) if topic.kind == "whole" else view.change(event)
        if told is not None:
            self._tell_book(topic, told, view)

    def _tell_book(self, topic: Topic, told: ToldBook, view: ClientBook) -> None:
        best = view.pair.book.asks.best
        if best is not None and self._line.take("crossed"):
            told = told.crossed(best)
        self._say_all(self.book(topic, told, view.pair), "book")

    def _say_all(self, messages: Written, kind: FrameKind = "data") -> None:
        for message in messages:
            self.say(message, kind)

    def _whole(self, topic: Topic, event: BookEvent, view: ClientBook) -> ToldBook | None:
        if event.time - self._sent_at.get(topic, 0) < self.every_ms * 1_000_000:
            return None
        self._sent_at[topic] = event.time
        return view.whole(event.time)

    async def _keep_beating(self) -> None:
        while True:
            await self._clock.sleep(self.beat_s)
            self.beat()

    async def _cut_mute(self) -> None:
        sent = -1
        while sent != self.sent:
            sent = self.sent
            await self._clock.sleep(self.mute_s)
        raise SessionEndedError

    async def _cut_idle(self) -> None:
        await self._clock.sleep(self.idle_s)
        if not self._topics:
            raise SessionEndedError
