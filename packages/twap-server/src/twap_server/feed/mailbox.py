"""Buffer messages for one subscriber: of books the newest wins, of trades the newest few are kept.

Everything else is never dropped. Putting never blocks. A reader that waits, with nothing left to read, may
have a thing handed over directly, without being woken; what cannot be handed over now is kept for it. When
the buffer of what may not be dropped is full, the mailbox closes itself: its reader is too slow and learns so
from ``MailboxClosed``. Books need no bound of their own: there is one slot per topic, and whoever subscribes
bounds the topics. Trades have a ``NewestQueue`` per topic.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from twap_server.feed.newest import Counted, NewestQueue

Item = TypeVar("Item")
Book = TypeVar("Book")

MOST_TRADES: Final = 100
"""Of one topic that wait for one reader."""


def _never(_: object) -> bool:
    return False


class MailboxClosed(Exception):
    """Nothing more comes out; ``slow`` says that the reader did not keep up."""

    def __init__(self, *, slow: bool) -> None:
        super().__init__("the reader is too slow" if slow else "closed")
        self.slow = slow


class Mailbox(Generic[Item, Book]):
    """What waits for one reader: items in order, the newest book of each topic, the newest trades of each."""

    def __init__(self, *, capacity: int, direct: Callable[[Item | Book], bool] = _never) -> None:
        """Hold at most ``capacity`` items that may not be dropped.

        ``direct`` is tried first while the reader waits: true when it took the thing at once, for good.
        """
        self._capacity = capacity
        self._direct = direct
        self._items: deque[Item] = deque()
        self._books: dict[tuple[Hashable, int], Book] = {}
        """By topic and part."""
        self._trades: dict[Hashable, NewestQueue[Book]] = {}
        """By topic; those of which something waits."""
        self._waiting: asyncio.Future[None] | None = None
        self._closed: MailboxClosed | None = None

    def __len__(self) -> int:
        return len(self._items) + len(self._books) + sum(map(len, self._trades.values()))

    @property
    def is_closed(self) -> bool:
        """Whether it takes nothing more."""
        return self._closed is not None

    def put(self, item: Item) -> None:
        """Add something that may not be dropped; closes the mailbox when it is full."""
        if self._closed is not None or self._handed_over(item):
            return
        if len(self._items) >= self._capacity:
            self.close(slow=True)
            return
        self._items.append(item)
        self._wake()

    def put_book(self, topic: Hashable, book: Book, part: int = 0) -> None:
        """Keep ``book`` as the newest of its topic; an older one not taken yet is forgotten.

        Of a topic with several parts each part has its own newest.
        """
        if self._closed is None and not self._handed_over(book):
            self._books[topic, part] = book
            self._wake()

    def put_trade(self, topic: Hashable, trade: Counted[Book]) -> None:
        """Keep ``trade`` as the newest of its topic; of too many the oldest is dropped and counted."""
        if self._closed is None and not self._handed_over(trade.message):
            waiting = self._trades.get(topic)
            if waiting is None:
                waiting = self._trades[topic] = NewestQueue(MOST_TRADES)
            waiting.put(trade)
            self._wake()

    def forget(self, topic: Hashable) -> None:
        """Drop what waits of a topic, if there is anything."""
        self._trades.pop(topic, None)
        for slot in [one for one in self._books if one[0] == topic]:
            del self._books[slot]

    def take_passing(self) -> list[Book]:
        """Take all books and trades that wait: a reader with much else to read looks at them between."""
        found = list(self._books.values())
        self._books.clear()
        while self._trades:
            found.append(self._take_trade())
        return found

    def close(self, *, slow: bool = False) -> None:
        """Take nothing more; the reader gets ``MailboxClosed`` at once, what waits is dropped."""
        if self._closed is None:
            self._closed = MailboxClosed(slow=slow)
            self._items.clear()
            self._books.clear()
            self._trades.clear()
        self._wake()

    async def get(self) -> Item | Book:
        """Take the next: items first, in order, then books as their topics were filled, then trades.

        Raises:
            MailboxClosed: nothing more will come. Cancelling loses nothing.
        """
        while not self._items and not self._books and not self._trades:
            if self._closed is not None:
                raise self._closed
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        if self._items:
            return self._items.popleft()
        if self._books:
            return self._books.pop(next(iter(self._books)))
        return self._take_trade()

    def _take_trade(self) -> Book:
        """The oldest of the topic that waits longest; topics take turns."""
        topic, waiting = next(iter(self._trades.items()))
        trade = waiting.take()
        del self._trades[topic]
        if waiting:
            self._trades[topic] = waiting
        return trade

    def _handed_over(self, thing: Item | Book) -> bool:
        """Whether the reader waits, with nothing left to read before this, and it was taken directly."""
        return self._waiting is not None and not self._waiting.done() and self._direct(thing)

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
