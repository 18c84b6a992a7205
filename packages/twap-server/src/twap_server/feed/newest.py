"""Keep the newest of what waits for one reader, drop the oldest, and tell how many were dropped."""

from collections import deque
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

Message = TypeVar("Message")


class Counted(NamedTuple, Generic[Message]):
    """A message that can say how many before it were left out."""

    message: Message
    left_out: int
    """What it says so far."""
    saying: Callable[[int], Message]
    """Makes the same message say another number."""


class NewestQueue(Generic[Message]):
    """At most ``most`` messages, in order."""

    __slots__ = ("_dropped", "_most", "_waiting")

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: deque[Counted[Message]] = deque()
        self._dropped = 0
        """Before the first that waits; what that one says itself is not in it."""

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: Counted[Message]) -> None:
        """Add the newest; of too many the oldest is dropped."""
        if len(self._waiting) >= self._most:
            self._dropped += 1 + self._waiting.popleft().left_out
        self._waiting.append(message)

    def take(self) -> Message:
        """Take the oldest that waits."""
        first = self._waiting.popleft()
        dropped, self._dropped = self._dropped, 0
        return first.saying(first.left_out + dropped) if dropped else first.message
