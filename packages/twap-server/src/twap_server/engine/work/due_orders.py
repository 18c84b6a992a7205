"""Work the due orders a few at a time, and record their decisions in one transaction.

Orders come by turns of their users. Between two pieces of a round others get their turn (the books, HTTP);
the books may then have moved, so each piece looks at them anew, at its own moment. A round is bounded by what
it settles, and by time where others wait for it: commands, or users without a backlog.
"""

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from twap_models.enums import SliceReason
from twap_server.domain.clock import MILLISECOND, SECOND, Clock, Nanos, to_span
from twap_server.domain.execution.decision_clock import DecisionClock
from twap_server.domain.execution.own_impact import ImpactMemories
from twap_server.engine.config import EngineConfig
from twap_server.engine.market.snapshot import MarketReader, MarketSnapshot
from twap_server.engine.work.commit import DecisionCommitter
from twap_server.engine.work.open_orders import OpenOrders
from twap_server.engine.work.slice_decision import SliceDecider
from twap_server.engine.work.step import PendingWrite, Working, look

_SLICES_PER_ROUND = 1_000
_SLICES_FOR_ALL = 2_000
"""Of a round that serves everybody: it waits for the disk once, so most are recorded sooner."""
_SLICES_AT_ONCE = 200
"""Settled without giving way to others: some milliseconds."""
_SHARED_ROUND = 20 * MILLISECOND
"""Looks of a round, for each user with a backlog, while others may become due; recording takes as long again.

Where most have a backlog, larger rounds serve all of them better.
"""


class _Piece(Struct):
    """What one piece of a round came to."""

    changed: list[PendingWrite] = []
    slices: int = 0
    """Looks, and the slices settled beyond one each."""
    is_full: bool = False
    """There may be more that is due."""


class DueOrders:
    """Looks at due orders and has what comes of it recorded."""

    def __init__(
        self,
        *,
        open_orders: OpenOrders,
        market_reader: MarketReader,
        impact: ImpactMemories,
        decision_clock: DecisionClock,
        committer: DecisionCommitter,
        lost_to: Callable[[Nanos], SliceReason],
        others_wait: Callable[[], bool],
        clock: Clock,
        config: EngineConfig,
    ) -> None:
        """Prepare.

        Args:
            open_orders: all of them.
            market_reader: of the books.
            impact: what users took.
            decision_clock: tells it the time.
            committer: records.
            lost_to: why a slice is lost whose window ended at that time.
            others_wait: whether commands wait for the round to end.
            clock: the engine's.
            config: its settings.
        """
        self._open_orders, self._market_reader, self._impact = open_orders, market_reader, impact
        self._committer, self._clock, self._decision_clock = committer, clock, decision_clock
        self._decider = SliceDecider(impact=impact)
        self._max_wait = to_span(config.max_book_wait)
        self._lost_to, self._others_wait = lost_to, others_wait
        self._settled = Nanos(0)

    async def work_due(self) -> bool:
        """Work the orders that are due now, by turns of their users; of very many the first.

        Returns:
            Whether there may be more.
        """
        moment, now = self._open_orders.next_due(), self._clock.now()
        if moment is not None and moment <= now:
            return await self._work(self._due())
        if now - self._settled >= SECOND:  # turns for samples alone: what has decayed goes all the same
            self._settled = now
            self._impact.settle()
        return False

    async def end_elapsed(self) -> None:
        """End what ran out while nobody was here: who hears "ready" finds no order open past its end.

        Gives up when a pass settles nothing: then the store fails, and the turns go on trying.
        """
        settled = -1
        while (elapsed := self._open_orders.elapsed(self._clock.now())) and settled:
            before = _slices_left(elapsed)
            left = iter(elapsed)
            while await self._work(left):
                pass
            settled = before - _slices_left(self._open_orders.elapsed(self._clock.now()))

    def _due(self) -> Iterator[Working]:
        while (working := self._open_orders.take(self._clock.now())) is not None:
            yield working

    async def _work(self, orders: Iterator[Working]) -> bool:
        """Look at orders for one round and record it; say whether there may be more."""
        begin, slices = self._clock.monotonic(), 0
        changed: list[PendingWrite] = []
        while True:
            piece = self._look_at(orders)
            changed += piece.changed
            slices += piece.slices
            if not piece.is_full or slices >= self._most_slices():
                break
            await self._clock.sleep(0)
            if self._keeps_others_waiting(since=begin):
                break
        if changed:
            await self._committer.record(changed)
        self._decision_clock.release()
        self._impact.settle()
        return piece.is_full

    def _most_slices(self) -> int:
        """How many slices a round may settle: more where all users have a backlog and no command waits."""
        has_others = self._open_orders.backlogs is not None or self._others_wait()
        return _SLICES_PER_ROUND if has_others else _SLICES_FOR_ALL

    def _keeps_others_waiting(self, *, since: Nanos) -> bool:
        passed, backlogs = self._clock.monotonic() - since, self._open_orders.backlogs
        if backlogs is not None and passed > backlogs * _SHARED_ROUND:
            return True
        return passed > _SHARED_ROUND and self._others_wait()

    def _look_at(self, orders: Iterator[Working]) -> _Piece:
        """What is decided for the next of these orders now, all against the same books."""
        now = self._clock.now()
        piece = _Piece()
        snapshot: MarketSnapshot | None = None
        for working in orders:
            if snapshot is None:
                self._decision_clock.hold(now)
                snapshot = self._market_reader.snapshot(now)
            step = look(
                working,
                snapshot,
                now=now,
                decider=self._decider,
                max_wait=self._max_wait,
                lost_to=self._lost_to,
            )
            if step.told:
                piece.changed.append(step)
                if len(step.slices) > 1:
                    self._open_orders.charge(working, len(step.slices) - 1)
            else:
                self._open_orders.plan_after_nothing(working, now)
            piece.slices += max(1, len(step.slices))
            if piece.slices >= _SLICES_AT_ONCE:
                piece.is_full = True
                break
        return piece


def _slices_left(orders: Sequence[Working]) -> int:
    """Slices without an outcome, and one more for each order's end."""
    return sum(1 + one.order.plan.slice_count - one.order.progress.next_slice for one in orders)
