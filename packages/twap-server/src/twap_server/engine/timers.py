"""Keep when each order, or whatever else has a name, is due next: a heap with one valid entry for each."""

from heapq import heapify, heappop, heappush
from typing import Final, Generic, TypeVar

from twap_server.domain.clock import Nanos

_SPARE: Final = 1_000

Name = TypeVar("Name", str, int)


class Agenda(Generic[Name]):
    """A wake-up per order; setting it again replaces it.

    What was replaced stays in the heap until its moment, or until it is most of the heap.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[Nanos, Name]] = []
        self._wake: dict[Name, Nanos] = {}

    def __len__(self) -> int:
        return len(self._wake)

    def set(self, name: Name, moment: Nanos) -> None:
        """Look at the order at ``moment``."""
        if self._wake.get(name) == moment:
            return
        self._wake[name] = moment
        heappush(self._heap, (moment, name))
        if len(self._heap) > 2 * len(self._wake) + _SPARE:
            self._heap = [(at, one) for one, at in self._wake.items()]
            heapify(self._heap)

    def drop(self, name: Name) -> None:
        """Never look at the order again."""
        self._wake.pop(name, None)

    def next(self) -> Nanos | None:
        """The earliest wake-up."""
        while self._heap and self._wake.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, now: Nanos) -> Name | None:
        """Take out the earliest order that is due by ``now``; None without any."""
        heap, wake = self._heap, self._wake
        while heap and heap[0][0] <= now:
            moment, name = heappop(heap)
            if wake.get(name) == moment:
                del wake[name]
                return name
        return None

    def due(self, now: Nanos, *, most: int) -> list[Name]:
        """Take out the orders due by ``now``, earliest first, at most ``most``."""
        found: list[Name] = []
        while len(found) < most and (name := self.take(now)) is not None:
            found.append(name)
        return found
