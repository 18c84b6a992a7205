"""When to look at which order next: one heap for all orders, one entry each."""

from heapq import heappop, heappush

from twap_server.domain.clock import Nanos


class Agenda:
    """A wake-up per order; setting it again replaces it."""

    def __init__(self) -> None:
        self._heap: list[tuple[Nanos, str]] = []
        self._wake: dict[str, Nanos] = {}

    def __len__(self) -> int:
        return len(self._wake)

    def set(self, order_id: str, moment: Nanos) -> None:
        """Look at the order at ``moment``."""
        self._wake[order_id] = moment
        heappush(self._heap, (moment, order_id))

    def drop(self, order_id: str) -> None:
        """Never look at the order again."""
        self._wake.pop(order_id, None)

    def next(self) -> Nanos | None:
        """The earliest wake-up."""
        while self._heap and self._wake.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: Nanos, *, most: int) -> list[str]:
        """Take out the orders due by ``now``, earliest first, at most ``most``."""
        found: list[str] = []
        while len(found) < most:
            moment = self.next()
            if moment is None or moment > now:
                break
            order_id = heappop(self._heap)[1]
            del self._wake[order_id]
            found.append(order_id)
        return found
