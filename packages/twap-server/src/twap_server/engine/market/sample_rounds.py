"""Let orders look at their market in rounds: all that look as often look at the same moments.

Those are the multiples of a period, so a round costs one wake-up, however many orders take part. Pure: the
time is passed in.
"""

from collections import deque

from twap_server.domain.clock import Nanos, next_multiple
from twap_server.engine.timers import Agenda


class SampleRounds:
    """Orders by their period; a round that is large is given out in pieces."""

    def __init__(self) -> None:
        self._members: dict[int, dict[str, None]] = {}
        self._agenda: Agenda[int] = Agenda()
        self._waiting: deque[str] = deque()
        """Of rounds that are due, whoever was not given out yet."""

    def join(self, order_id: str, period: int, now: Nanos) -> None:
        """Take part from the first multiple of ``period`` after ``now`` on."""
        members = self._members.get(period)
        if members is None:
            members = self._members[period] = {}
            self._agenda.set(period, next_multiple(now, period))
        members[order_id] = None

    def leave(self, order_id: str, period: int) -> None:
        """Take part no more; who does not is left alone."""
        members = self._members.get(period, {})
        if order_id not in members:
            return
        del members[order_id]
        if self._waiting:
            self._waiting = deque(one for one in self._waiting if one != order_id)
        if not members:
            del self._members[period]
            self._agenda.drop(period)

    def next(self) -> Nanos | None:
        """When the next round is due; long ago while one has not been given out."""
        return Nanos(0) if self._waiting else self._agenda.next()

    def due(self, now: Nanos, *, most: int) -> list[str]:
        """Give out orders whose round is due by ``now``; of several that were missed one is made up."""
        while (period := self._agenda.take(now)) is not None:
            self._waiting.extend(self._members[period])
            self._agenda.set(period, next_multiple(now, period))
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
