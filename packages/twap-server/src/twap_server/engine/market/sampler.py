"""Sample the market while an order works, for its execution report: at a fixed interval, bounded.

In: open orders and what became of them. Out: samples, to be recorded by the engine. Nothing here decides a
fill, and a sample that is lost (a crash) is missing in the report, never made up. Steady samples are taken at
multiples of their period: orders of one length look at their market together, and share what they saw.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import heappop, heappush
from typing import TypeAlias

from twap_models.enums import Fidelity
from twap_server.domain import exact
from twap_server.domain.clock import MILLISECOND, SECOND, Nanos, next_multiple
from twap_server.domain.execution.matching import PriceBounds
from twap_server.domain.execution.pre_trade_cost import Moment, estimate
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.order import Order
from twap_server.domain.orders.sample import MARK_OUTS, Sample, Sweep
from twap_server.domain.orders.terms import Destination
from twap_server.engine.market.sample_rounds import SampleRounds
from twap_server.engine.market.snapshot import MarketReader, MarketSnapshot
from twap_server.engine.ports import Market
from twap_server.engine.timers import Agenda

STEADY_SAMPLES = 300
"""Of one plan, from its start to its end; no closer than a second."""
MARKED_SLICES = 100
"""Slices whose mark-outs are measured; of later ones they are not."""
MARKS_SHARED = 100 * MILLISECOND
"""Mark-outs are measured at the multiple of this after they fell due, together with those of other orders."""
MOST_SAMPLES = 2_000
"""Of one order, however often it is amended."""

_Totals: TypeAlias = list[tuple[Decimal, Decimal]]
"""Base and quote currency traded on each destination since the server started."""


@dataclass(slots=True, kw_only=True)
class _Watch:
    order: Order
    period: int
    begins: Nanos | None
    """When its first steady sample is due; None once it was taken: the others come in rounds."""
    swept: bool
    before: _Totals | None
    """When the last sample was taken."""
    marks: list[Nanos] = field(default_factory=list)
    """When the mid is to be looked at again: a heap."""
    marked: int = 0
    taken: int = 0
    last: Nanos = Nanos(0)

    def mark(self, now: Nanos) -> None:
        """Look at the mid again some time after the slice that just filled, and measured it itself."""
        self.forget_marks(now)
        if self.marked < MARKED_SLICES:
            self.marked += 1
            for seconds in MARK_OUTS:
                heappush(self.marks, Nanos(now + seconds * SECOND))

    def forget_marks(self, now: Nanos) -> None:
        """The mid was measured at ``now``: that serves every mark-out due by then."""
        while self.marks and self.marks[0] <= now:
            heappop(self.marks)

    @property
    def wakes(self) -> Nanos | None:
        """When it looks at its market by itself next: at its begin, or for mark-outs, with others."""
        if not self.marks:
            return self.begins
        mark = next_multiple(self.marks[0], MARKS_SHARED)
        return mark if self.begins is None else min(self.begins, mark)


class MarketSampler:
    """One observer per order, from its acceptance until its last mark-out."""

    def __init__(self, *, market_reader: MarketReader, market: Market) -> None:
        self._market_reader, self._market = market_reader, market
        self._watches: dict[str, _Watch] = {}
        self._agenda: Agenda[str] = Agenda()
        self._rounds = SampleRounds()

    def __len__(self) -> int:
        return len(self._watches)

    def next_due(self) -> Nanos | None:
        """When the next sample wants to be taken."""
        own, shared = self._agenda.next(), self._rounds.next()
        return shared if own is None or (shared is not None and shared < own) else own

    def follow(self, order: Order, now: Nanos) -> None:
        """Begin to watch an open order."""
        has_begun = order.progress.next_slice > 0
        watch = _Watch(
            order=order,
            period=_period(order, now),
            begins=max(now, order.terms.start),
            swept=has_begun,
            before=self._market_reader.snapshot(now).traded(order.terms.destinations) if has_begun else None,
        )
        self._watches[order.terms.order_id] = watch
        self._plan(watch)

    def note(self, order: Order, *, filled: bool, now: Nanos) -> None:
        """Take in what was recorded of an order: a slice that filled, an amendment, the end."""
        watch = self._watches.get(order.terms.order_id)
        if watch is None:
            return
        if order.plan is not watch.order.plan and order.plan.revision != watch.order.plan.revision:
            self._change_period(watch, _period(order, now), now)
        watch.order = order
        if filled:
            watch.mark(now)
        if not order.status.is_open:
            watch.begins = None
            self._rounds.leave(order.terms.order_id, watch.period)
            self._hold(order)
        self._plan(watch)

    def take(self, order_id: str, now: Nanos) -> list[tuple[str, Sample]]:
        """Sample an order's market at once; nothing where it was sampled at this very moment."""
        watch = self._watches.get(order_id)
        if watch is None or now <= watch.last:
            return []
        return [(order_id, _SharedSamples(self._market_reader.snapshot(now), now).sample(watch))]

    def collect(self, now: Nanos, *, most: int) -> list[tuple[str, Sample]]:
        """Take the samples due by ``now``."""
        own = self._agenda.due(now, most=most)
        together = self._rounds.due(now, most=most - len(own))
        if not own and not together:
            return []
        shared, found = _SharedSamples(self._market_reader.snapshot(now), now), list[tuple[str, Sample]]()
        for due, after in ((own, self._after_own), (together, self._after_round)):
            for order_id in due:
                watch = self._watches[order_id]
                if now > watch.last:
                    found.append((order_id, shared.sample(watch)))
                after(watch, now)
        return found

    def _after_own(self, watch: _Watch, now: Nanos) -> None:
        """Plan what comes after a look that an order took by itself."""
        watch.forget_marks(now)
        if watch.begins is not None and watch.begins <= now:
            watch.begins = None
            self._join(watch, now)
        self._plan(watch)

    def _after_round(self, watch: _Watch, now: Nanos) -> None:
        if watch.marks and watch.marks[0] <= now:
            watch.forget_marks(now)
            self._plan(watch)
        if watch.taken >= MOST_SAMPLES:
            self._rounds.leave(watch.order.terms.order_id, watch.period)

    def _change_period(self, watch: _Watch, period: int, now: Nanos) -> None:
        self._rounds.leave(watch.order.terms.order_id, watch.period)
        watch.period = period
        if watch.begins is None:
            self._join(watch, now)

    def _join(self, watch: _Watch, now: Nanos) -> None:
        if watch.taken < MOST_SAMPLES:
            self._rounds.join(watch.order.terms.order_id, watch.period, now)

    def _plan(self, watch: _Watch) -> None:
        order_id, moment = watch.order.terms.order_id, watch.wakes
        if moment is not None:
            self._agenda.set(order_id, moment)
        elif watch.order.status.is_open:
            self._agenda.drop(order_id)
        else:
            self._drop(watch)

    def _hold(self, order: Order) -> None:
        for destination in order.terms.destinations:
            self._market.hold(destination.instrument, _owner(order))

    def _drop(self, watch: _Watch) -> None:
        order = watch.order
        self._agenda.drop(order.terms.order_id)
        del self._watches[order.terms.order_id]
        for destination in order.terms.destinations:
            self._market.release(destination.instrument, _owner(order))


class _SharedSamples:
    """Samples of one moment; orders on one market that saw the same trades last time share one."""

    def __init__(self, snapshot: MarketSnapshot, now: Nanos) -> None:
        self._snapshot, self._now = snapshot, now
        self._taken: dict[tuple[InstrumentId, int], tuple[Sample, _Totals, _Totals]] = {}
        """By market and identity of the totals before; with those, so that none other gets their identity."""
        self._totals: dict[InstrumentId, _Totals] = {}

    def sample(self, watch: _Watch) -> Sample:
        """Take an order's sample, or give it the one that another order took."""
        destinations, before = watch.order.terms.destinations, watch.before
        if len(destinations) > 1 or before is None or not watch.swept:
            sample, totals = self._take(watch)
        else:
            key = destinations[0].instrument, id(before)
            known = self._taken.get(key)
            if known is None:
                known = self._taken[key] = (*self._take(watch), before)
            sample, totals, _ = known
        watch.before, watch.last, watch.taken = totals, self._now, watch.taken + 1
        return sample

    def _take(self, watch: _Watch) -> tuple[Sample, _Totals]:
        destinations = watch.order.terms.destinations
        quotes, totals = self._snapshot.quotes(destinations), self._traded(destinations)
        volume, notional = _traded_between(
            watch.before or totals, totals, [destination in quotes.odd for destination in destinations]
        )
        sweep = None
        moment = None if watch.swept else quotes.moment(watch.order.terms.side)
        if moment is not None:
            watch.swept, sweep = True, _sweep(watch.order, moment)
        return Sample(time=self._now, mid=quotes.mid, volume=volume, notional=notional, sweep=sweep), totals

    def _traded(self, destinations: Sequence[Destination]) -> _Totals:
        """The same object to all orders on one market."""
        if len(destinations) > 1:
            return self._snapshot.traded(destinations)
        instrument = destinations[0].instrument
        known = self._totals.get(instrument)
        if known is None:
            known = self._totals[instrument] = self._snapshot.traded(destinations)
        return known


def _traded_between(
    before: Sequence[tuple[Decimal, Decimal]],
    totals: Sequence[tuple[Decimal, Decimal]],
    is_odd: Sequence[bool],
) -> tuple[Decimal, Decimal]:
    """Base and quote currency traded on the destinations that show the order's asset."""
    if len(totals) == 1 and not is_odd[0]:  # as for most orders; sums take longer
        (old_base, old_quote), (base, quote) = before[0], totals[0]
        return exact.subtract(base, old_base), exact.subtract(quote, old_quote)
    counted = [(old, new) for old, new, odd in zip(before, totals, is_odd, strict=True) if not odd]
    return (
        exact.total(exact.subtract(new[0], old[0]) for old, new in counted),
        exact.total(exact.subtract(new[1], old[1]) for old, new in counted),
    )


def _period(order: Order, now: Nanos) -> int:
    length = order.plan.end - max(now, order.terms.start)
    return max(SECOND, -(-length // STEADY_SAMPLES))


def _sweep(order: Order, moment: Moment) -> Sweep:
    """The whole quantity at once against the displayed books, within the order's limit."""
    bounds = PriceBounds(side=moment.side, limit=order.plan.limit)
    taken = estimate(order.plan.quantity, moment, bounds, Fidelity.DEPTH)
    return Sweep(filled=taken.filled, notional=taken.notional, fees=taken.fees)


def _owner(order: Order) -> str:
    return f"mark-outs:{order.terms.order_id}"
