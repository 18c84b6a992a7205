"""Keep when each order is due next: a heap with one valid entry for each order."""

from heapq import heapify, heappop, heappush
from typing import Final

from twap_server.domain.clock import Nanos

_SPARE: Final = 1_000


class Agenda:
    """A wake-up per order; setting it again replaces it.

    What was replaced stays in the heap until its moment, or until it is most of the heap.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[Nanos, str]] = []
        self._wake: dict[str, Nanos] = {}

    def __len__(self) -> int:
        return len(self._wake)

    def set(self, order_id: str, moment: Nanos) -> None:
        """Look at the order at ``moment``."""
        if self._wake.get(order_id) == moment:
            return
        self._wake[order_id] = moment
        heappush(self._heap, (moment, order_id))
        if len(self._heap) > 2 * len(self._wake) + _SPARE:
            self._heap = [(at, one) for one, at in self._wake.items()]
            heapify(self._heap)

    def drop(self, order_id: str) -> None:
        """Never look at the order again."""
        self._wake.pop(order_id, None)

    def next(self) -> Nanos | None:
        """The earliest wake-up."""
        while self._heap and self._wake.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, now: Nanos) -> str | None:
        """Take out the earliest order that is due by ``now``; None without any."""
        heap, wake = self._heap, self._wake
        while heap and heap[0][0] <= now:
            moment, order_id = heappop(heap)
            if wake.get(order_id) == moment:
                del wake[order_id]
                return order_id
        return None

    def due(self, now: Nanos, *, most: int) -> list[str]:
        """Take out the orders due by ``now``, earliest first, at most ``most``."""
        found: list[str] = []
        while len(found) < most and (order_id := self.take(now)) is not None:
            found.append(order_id)
        return found
