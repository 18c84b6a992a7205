"""Choose which order is worked next, users taking turns: no user's orders delay another's.

Each user has an agenda of their own. Users with due orders take turns: next comes who was served least, so of
any piece of work with U users waiting each gets at least one U-th. What an order costs beyond one slice is
charged to its user, who then waits until the others have had as much. Who had nothing due saves nothing up.
Pure: the time is passed in, and the same calls give the same order of looks.
"""

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush, heapreplace
from typing import Final

from twap_server.domain.clock import Nanos
from twap_server.engine.timers import Agenda

_SPARE: Final = 1_000


@dataclass(slots=True, eq=False)
class _Lane:
    """One user's orders."""

    agenda: Agenda[str] = field(default_factory=Agenda)
    served: int = 0
    """Looks and charges, counted on from where the others were when this user came."""
    turn: int | None = None
    """Number of the place in the row; None while nothing is due."""
    head: Nanos | None = None
    """Earliest wake-up that waits in ``_later``; None while in the row, and without orders."""


class UserTurns:
    """A wake-up per order; setting it again replaces it."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}
        self._later: list[tuple[Nanos, str]] = []
        """Users with nothing due; an entry that is not its lane's ``head`` is stale."""
        self._row: list[tuple[int, int, str]] = []
        """Users with due orders: by what they were served, then by who waits longer."""
        self._served = 0
        """What whose turn it was last had been served: newcomers begin there."""
        self._turn = 0
        self._now = Nanos(0)

    @property
    def users(self) -> int:
        """How many users have orders."""
        return len(self._lanes)

    @property
    def waiting(self) -> int:
        """How many of them had due orders when last asked."""
        return len(self._row)

    def set(self, user_id: str, order_id: str, moment: Nanos) -> None:
        """Look at the user's order at ``moment``."""
        lane = self._lanes.get(user_id)
        if lane is None:
            lane = self._lanes[user_id] = _Lane()
        lane.agenda.set(order_id, moment)
        if lane.turn is None and (lane.head is None or moment < lane.head):
            self._wait(user_id, lane, moment)

    def drop(self, user_id: str, order_id: str) -> None:
        """Never look at the order again."""
        lane = self._lanes.get(user_id)
        if lane is None:
            return
        lane.agenda.drop(order_id)
        if not lane.agenda:
            del self._lanes[user_id]

    def next(self) -> Nanos | None:
        """The earliest wake-up; of those that were due when last asked any."""
        while self._row:
            lane = self._lane_in_row()
            moment = None if lane is None else lane.agenda.next()
            if moment is not None and moment <= self._now:
                return moment
            self._leave_row(lane)
        while self._later:
            moment, user_id = self._later[0]
            lane = self._lanes.get(user_id)
            if lane is None or lane.head != moment:
                heappop(self._later)
            elif (first := lane.agenda.next()) == moment:
                return moment
            else:
                heappop(self._later)
                self._wait(user_id, lane, first)
        return None

    def take(self, now: Nanos) -> str | None:
        """Take out the next order that is due by ``now``: of its user's the earliest; None without any."""
        self._now = now
        if self._later and self._later[0][0] <= now:
            self._call_up(now)
        row = self._row
        while row:
            lane = self._lane_in_row()
            order_id = None if lane is None else lane.agenda.take(now)
            if lane is None or order_id is None:
                self._leave_row(lane)
                continue
            served, _, user_id = row[0]
            self._served, lane.served = served, served + 1
            heapreplace(row, self._place(user_id, lane))
            return order_id
        return None

    def charge(self, user_id: str, cost: int) -> None:
        """Count what a look came to beyond one slice."""
        if (lane := self._lanes.get(user_id)) is not None:
            lane.served += cost

    def _call_up(self, now: Nanos) -> None:
        """Put the users whose wake-up has come into the row: behind nobody who was served more."""
        while self._later and self._later[0][0] <= now:
            moment, user_id = heappop(self._later)
            lane = self._lanes.get(user_id)
            if lane is None or lane.head != moment:
                continue
            first = lane.agenda.next()
            if first is None or first > now:
                self._wait(user_id, lane, first)
                continue
            lane.head, lane.served = None, max(lane.served, self._served)
            heappush(self._row, self._place(user_id, lane))

    def _lane_in_row(self) -> _Lane | None:
        """The lane whose turn it is; None where that place is stale."""
        while True:
            served, turn, user_id = self._row[0]
            lane = self._lanes.get(user_id)
            if lane is None or lane.turn != turn:
                return None
            if lane.served == served:
                return lane
            heapreplace(self._row, self._place(user_id, lane))  # was charged meanwhile

    def _place(self, user_id: str, lane: _Lane) -> tuple[int, int, str]:
        self._turn += 1
        lane.turn = self._turn
        return lane.served, self._turn, user_id

    def _leave_row(self, lane: _Lane | None) -> None:
        user_id = heappop(self._row)[2]
        if lane is not None:
            lane.turn = None
            self._wait(user_id, lane, lane.agenda.next())

    def _wait(self, user_id: str, lane: _Lane, moment: Nanos | None) -> None:
        lane.head = moment
        if moment is None:
            return
        heappush(self._later, (moment, user_id))
        if len(self._later) > 2 * len(self._lanes) + _SPARE:
            heads = ((one.head, name) for name, one in self._lanes.items())
            self._later = [(head, name) for head, name in heads if head is not None]
            heapify(self._later)
