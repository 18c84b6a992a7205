"""Works what is due: looks at orders a few at a time, and records what was decided in one transaction.

Between two pieces of a round others get their turn (the books, HTTP); the books may then have moved, so each
piece looks at them anew, at its own moment.
"""

from collections.abc import Callable, Iterator, Sequence

from twap_server.domain.clock import Clock, Nanos, to_span
from twap_server.domain.impact import ImpactMemory
from twap_server.engine.config import EngineConfig
from twap_server.engine.decision import SliceDecider
from twap_server.engine.desk import Desk
from twap_server.engine.quotes import Sight
from twap_server.engine.settlement import Changed, Settlement
from twap_server.engine.working import Working, look

_ORDERS_PER_ROUND = 1_000
_ORDERS_AT_ONCE = 200
"""Looked at without giving way to others: some milliseconds."""


class Rounds:
    """Looks at due orders and has what comes of it recorded."""

    def __init__(
        self,
        *,
        desk: Desk,
        sight: Sight,
        impact: ImpactMemory,
        settlement: Settlement,
        was_waiting: Callable[[Nanos], bool],
        clock: Clock,
        config: EngineConfig,
    ) -> None:
        """Args: was_waiting: whether the engine waited for its store at a moment, and decided nothing."""
        self._desk, self._sight, self._impact = desk, sight, impact
        self._settlement, self._clock = settlement, clock
        self._decider = SliceDecider(impact=impact)
        self._max_wait = to_span(config.max_book_wait)
        self._was_waiting = was_waiting

    async def work_due(self) -> None:
        """Work the orders that are due now, earliest first; of very many the first."""
        await self._work(self._desk.due(self._clock.now(), most=_ORDERS_PER_ROUND))

    async def end_elapsed(self) -> None:
        """End what ran out while nobody was here: who hears "ready" finds no order open past its end.

        Gives up when a round settles nothing: then the store fails, and the turns go on trying.
        """
        settled = -1
        while (elapsed := self._desk.elapsed(self._clock.now())) and settled:
            before = _slices_left(elapsed)
            for some in _pieces(elapsed, _ORDERS_PER_ROUND):
                await self._work(some)
            settled = before - _slices_left(self._desk.elapsed(self._clock.now()))

    async def _work(self, due: Sequence[Working]) -> None:
        if not due:
            return
        changed: Changed = []
        for number, some in enumerate(_pieces(due, _ORDERS_AT_ONCE)):
            if number:
                await self._clock.sleep(0)
            changed += self._look_at(some)
        if changed:
            await self._settlement.record(changed)
        self._impact.settle()

    def _look_at(self, some: Sequence[Working]) -> Changed:
        """What is decided for these orders now, all against the same books."""
        now = self._clock.now()
        glance = self._sight.glance(now)
        changed: Changed = []
        for working in some:
            step = look(
                working,
                glance,
                now=now,
                decider=self._decider,
                max_wait=self._max_wait,
                was_waiting=self._was_waiting,
            )
            if step.events:
                changed.append((working, step))
            else:
                self._desk.plan_after_nothing(working, now)
        return changed


def _pieces(orders: Sequence[Working], size: int) -> Iterator[Sequence[Working]]:
    return (orders[first : first + size] for first in range(0, len(orders), size))


def _slices_left(orders: Sequence[Working]) -> int:
    """Slices without an outcome, and one more for each order's end."""
    return sum(1 + one.order.plan.slice_count - one.order.progress.next_slice for one in orders)
