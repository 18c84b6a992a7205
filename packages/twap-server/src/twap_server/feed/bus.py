"""Typed publish/subscribe in this process, by topic. Publishing never blocks and never raises.

Topics: a book of one exchange (or of all, merged) under the spelling its readers asked for, and the order
events of one user. Books travel as encoded text: they are built once, however many read them.
"""

from collections.abc import Hashable
from typing import NamedTuple, TypeAlias, TypeVar

from twap_server.domain.order import OrderEvent
from twap_server.feed.mailbox import Mailbox


class BookTopic(NamedTuple):
    """Which book, under which spelling its messages name it."""

    exchange: str
    """An exchange, or ``aggregate``."""
    symbol: str
    """Canonical."""
    asked: str
    """As the readers spelled it: messages echo it."""


class Frame(NamedTuple):
    """An encoded message, ready to be sent."""

    text: str


class CatchUp(NamedTuple):
    """A reader's own mark among its events: first read what was recorded after ``since``."""

    since: int


Inbox: TypeAlias = Mailbox[OrderEvent | Frame | CatchUp, Frame]
Topic = TypeVar("Topic", bound=Hashable)


class Bus:
    """Who reads what. One instance per process, used from its event loop only."""

    def __init__(self) -> None:
        """Start without readers."""
        self._books: dict[BookTopic, list[Inbox]] = {}
        self._orders: dict[str, list[Inbox]] = {}

    def subscribe_book(self, topic: BookTopic, inbox: Inbox) -> None:
        """Deliver the topic's books to ``inbox``; twice is once."""
        _add(self._books, topic, inbox)

    def unsubscribe_book(self, topic: BookTopic, inbox: Inbox) -> None:
        """Stop delivering, and drop a book that still waits there."""
        _remove(self._books, topic, inbox)
        inbox.forget_book(topic)

    def subscribe_orders(self, user_id: str, inbox: Inbox) -> None:
        """Deliver the user's order events to ``inbox``; twice is once."""
        _add(self._orders, user_id, inbox)

    def unsubscribe_orders(self, user_id: str, inbox: Inbox) -> None:
        """Stop delivering; what already waits stays."""
        _remove(self._orders, user_id, inbox)

    def book_topics(self) -> list[BookTopic]:
        """Topics somebody reads."""
        return list(self._books)

    def publish_book(self, topic: BookTopic, frame: Frame) -> None:
        """Give all readers of the topic this newest book."""
        for inbox in self._books.get(topic, ()):
            inbox.put_book(topic, frame)

    def publish(self, user_id: str, event: OrderEvent) -> None:
        """Give all of the user's readers this event; a reader whose inbox is full is closed as slow."""
        for inbox in self._orders.get(user_id, ()):
            inbox.put(event)


def _add(readers: dict[Topic, list[Inbox]], topic: Topic, inbox: Inbox) -> None:
    known = readers.setdefault(topic, [])
    if inbox not in known:
        known.append(inbox)


def _remove(readers: dict[Topic, list[Inbox]], topic: Topic, inbox: Inbox) -> None:
    left = [other for other in readers.get(topic, ()) if other is not inbox]
    if left:
        readers[topic] = left
    else:
        readers.pop(topic, None)
