"""Find which messages are new: drop old and repeated ones, report missing ones. Pure."""

from twap_client.stream.events import Gap
from twap_models import BookMessage, OrderEvent


class OrderSequence:
    """The order events' numbers: gap-free per user, from 1.

    Attributes:
        last: the last number seen, None before the first; ``since`` of the next subscription.
    """

    def __init__(self, since: int | None) -> None:
        self.last = since

    def acknowledge(self, seq: int | None) -> Gap | None:
        """Take note of the server's last number at the moment of subscribing.

        A number below what was seen means that the server counts anew.
        """
        if seq is None or self.last is None:
            self.last = seq if self.last is None else self.last
            return None
        if seq >= self.last:
            return None
        gap = Gap(channel="orders", expected=self.last + 1, got=seq)
        self.last = seq
        return gap

    def accept(self, event: OrderEvent) -> tuple[bool, Gap | None]:
        """Decide whether an event is new, and whether others are missing before it."""
        expected = None if self.last is None else self.last + 1
        if expected is not None and event.seq < expected:
            return False, None
        self.last = event.seq
        missing = expected is not None and event.seq > expected
        return True, Gap(channel="orders", expected=expected or 0, got=event.seq) if missing else None


class BookSequence:
    """The books' numbers, which never go back while a server runs; a connection starts anew."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], int] = {}

    def accept(self, book: BookMessage) -> bool:
        """Decide whether a book is at least as new as the one before. An equal number is: its age differs."""
        key = (book.exchange, book.instrument)
        if book.seq < self._last.get(key, 0):
            return False
        self._last[key] = book.seq
        return True
