"""Keep who reads which topics of a market."""

from collections.abc import Collection, Hashable
from typing import Generic, Protocol, TypeVar


class MarketTopic(Hashable, Protocol):
    """A topic about one instrument, on one exchange or on all."""

    @property
    def symbol(self) -> str:
        """Canonical."""
        ...


Topic = TypeVar("Topic", bound=MarketTopic)
Reader = TypeVar("Reader", bound=Hashable)


class TopicReaders(Generic[Topic, Reader]):
    """Readers by topic, topics by symbol."""

    def __init__(self) -> None:
        """Start without readers."""
        self._topics: dict[str, dict[Topic, dict[Reader, None]]] = {}

    def add(self, topic: Topic, reader: Reader) -> None:
        """Let it read; twice is once."""
        self._topics.setdefault(topic.symbol, {}).setdefault(topic, {})[reader] = None

    def discard(self, topic: Topic, reader: Reader) -> None:
        """Let it go, if it reads."""
        topics = self._topics.get(topic.symbol, {})
        readers = topics.get(topic, {})
        readers.pop(reader, None)
        if not readers:
            topics.pop(topic, None)
        if not topics:
            self._topics.pop(topic.symbol, None)

    def topics(self, symbol: str) -> Collection[Topic]:
        """Topics of a canonical symbol that somebody reads."""
        return self._topics.get(symbol, {}).keys()

    def of(self, topic: Topic) -> Collection[Reader]:
        """Who reads the topic."""
        return self._topics.get(topic.symbol, {}).get(topic, {}).keys()
