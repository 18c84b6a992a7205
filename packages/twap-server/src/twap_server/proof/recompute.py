"""Decide every slice of an order again, at the recorded moments, on the recorded books.

In: what the order is proven by, and its markets. Out: what was decided this time, or the first difference.
The deciding is the engine's own: ``engine/work/slice_decision.py``. How the books come to a moment is in
``Recomputation._meet`` alone.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from msgspec.structs import replace

from twap_models.enums import ImpactModel, OrderStatus, SliceReason
from twap_server.domain.clock import MICROSECOND, SECOND, Nanos, to_span
from twap_server.domain.execution.decision_clock import whole_microseconds
from twap_server.domain.execution.impact import LevelKey
from twap_server.domain.execution.matching import Match, VenueLevel
from twap_server.domain.execution.own_impact import ImpactMemories
from twap_server.domain.orders.order import Fill, Order, OrderProgress, SliceResult
from twap_server.domain.orders.proof import ProofRecord, Taken
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.ownership import is_of_a_replica
from twap_server.domain.tca.report_hash import report_hash
from twap_server.engine.market.book_view import BookView
from twap_server.engine.market.snapshot import MarketReader, Quotes
from twap_server.engine.work.shifted_walk import note_walk
from twap_server.engine.work.slice_decision import Decision, InFlight, SliceDecider, lost
from twap_server.proof.differences import Difference, first_difference, sent_difference
from twap_server.proof.document import Proven
from twap_server.proof.ending import beyond_the_end, end_difference
from twap_server.proof.met_books import WITHOUT_BOOK, date_fetched, quotes_of, quotes_when_sent
from twap_server.proof.recorded_market import RecordedMarket
from twap_server.proof.recounted import RecountedVolume

_BEHIND: Final = 2 * SECOND
"""By so much a replica may be behind its collector, which recorded; further behind none is filled from."""


@dataclass(slots=True)
class Verdict:
    """What came of it."""

    slices: int = 0
    """Recomputed on the recorded books, or needing none."""
    fills: int = 0
    without_book: dict[str, int] = field(default_factory=dict)
    """Slices that met no book, by reason."""
    difference: Difference | None = None
    sha256: str | None = None
    """Of what was recomputed; None where a difference ended it, or the order is at work."""


class Recomputation:
    """One order, slice by slice."""

    def __init__(self, proven: Proven) -> None:
        self._proven, self._proof = proven, proven.proof
        self._moment = Nanos(0)
        self._impact = self._new_memory()
        self._decider = SliceDecider(impact=self._impact)
        self._flight: InFlight | None = None
        """The slice that was sent and has not arrived."""
        self._volume = RecountedVolume()
        fills = self._proof.record.fills
        self._is_of_replicas = any(is_of_a_replica(one.book_seq) for one in fills)
        self._order = _before_all(self._proof)
        self._done: list[Decision] = []
        self._fills = _by_slice(fills)

    def begin_run(self, market: RecordedMarket) -> None:
        """Forget what a server forgets that is started again."""
        self._impact = self._new_memory()
        self._decider, self._flight = SliceDecider(impact=self._impact), None
        self._volume.begin_run(self._order, market)

    def run(self, market: RecordedMarket) -> Verdict:
        """Decide all of it."""
        verdict = Verdict()
        reader = MarketReader(market, self._proven.config)  # type: ignore[arg-type]  # it looks at books alone
        for one in _in_order(self._proof):
            match one:
                case list():
                    self._take_beside(one, market)
                    continue
                case _Sending():
                    verdict.difference = self._send(one.told, market, reader)
                case SliceResult():
                    verdict.difference = self._decide(one, market, reader, verdict)
            if verdict.difference is not None:
                return verdict
        verdict.difference = end_difference(self._proof.record, self._order.progress)
        if verdict.difference is None:
            verdict.sha256 = report_hash(self._recomputed())
        return verdict

    def _decide(
        self, told: SliceResult, market: RecordedMarket, reader: MarketReader, verdict: Verdict
    ) -> Difference | None:
        """Decide one slice; None where all is as recorded."""
        if not self._order.status.is_open:
            return beyond_the_end(told)
        order = self._order_at(told)
        fills = self._fills.get(told.index, ())
        decided = told.decided_at
        self._volume.play_before(self._surely_met(decided, told.book_time), order, market)
        if told.reason in WITHOUT_BOOK and not _was_too_late_at_once(told):
            again: Decision | None = self._miss(order, told, told.reason, market)
            found = first_difference(told, fills, again, market, order)
            verdict.without_book[told.reason.value] = verdict.without_book.get(told.reason.value, 0) + 1
        else:
            again, found = self._meet(order, told, fills, market, reader)
            verdict.slices += 1
        if found is None and again is not None:
            self._keep(again)
            verdict.fills += len(again.fills)
        return found

    def _miss(
        self, order: Order, told: SliceResult, reason: SliceReason, market: RecordedMarket
    ) -> Decision | None:
        """Miss a slice for a reason that only the server knew; what it wanted may hang on what was traded."""
        decided = told.decided_at
        if self._flight is not None and told.sent is not None:
            return self._decider.arrive(self._flight, order, Quotes((), reason), now=decided)
        if told.traded is None or not order.schedule.follows_volume:
            self._volume.look(order, market)
            return lost(order, told.index, reason, now=decided)
        order = order.paused() if reason is SliceReason.PAUSED else order
        while True:
            traded = self._volume.since_before(order, told, (), market)
            if traded == told.traded or not market.play_same_instant(decided):
                break
        closed = Quotes((), reason)
        again = self._decider.decide(order, told.index, closed, now=decided, final=True, traded=traded)
        return again if isinstance(again, Decision) else None

    def _meet(
        self,
        order: Order,
        told: SliceResult,
        fills: tuple[Fill, ...],
        market: RecordedMarket,
        reader: MarketReader,
    ) -> tuple[Decision | None, Difference | None]:
        """Decide on the books of the moment; of messages of its microsecond as few as give the decision.

        On a replica: of the moments before, too, for it may be behind what its collector recorded.
        """
        decided = told.decided_at
        self._go_to(decided)
        first: Difference | None = None
        while True:
            date_fetched(order, told, fills, market)
            again = self._once(order, told, decided, market, reader)
            found = first_difference(told, fills, again, market, order)
            if found is None and again is not None and told.sent is not None:
                found = sent_difference(told, again.result.sent)
            if found is None:
                return again, None
            self._impact.take_back()
            first = _nearer(first, found)
            if not market.play_same_instant(decided):
                return None, first

    def _once(
        self, order: Order, told: SliceResult, decided: Nanos, market: RecordedMarket, reader: MarketReader
    ) -> Decision | None:
        quotes, index = quotes_of(order, told, decided, market, reader), told.index
        if self._flight is not None:
            if not quotes.open:
                return None
            flight = InFlight(seen=copy(self._flight.seen), plan=order.plan, arrives=self._flight.arrives)
            return self._decider.arrive(flight, order, quotes, now=decided)
        traded = self._volume.since_before(order, told, quotes.odd, market)
        again = self._decider.decide(order, index, quotes, now=decided, final=False, traded=traded)
        return again if isinstance(again, Decision) else None

    def _send(self, told: SliceResult, market: RecordedMarket, reader: MarketReader) -> Difference | None:
        """Decide a slice that takes time to arrive; what it saw is compared, and kept for its arrival."""
        sent = told.sent
        assert sent is not None
        order = self._order_at(told)
        self._volume.play_before(self._surely_met(sent.time, None), order, market)
        while True:
            quotes = quotes_when_sent(order, sent.time, market, reader)
            traded = self._volume.since_before(order, told, quotes.odd, market)
            again = self._decider.decide(order, told.index, quotes, now=sent.time, final=False, traded=traded)
            self._flight = again if isinstance(again, InFlight) else None
            made = None if self._flight is None else self._flight.seen.sent
            found = sent_difference(told, made)
            is_as_told = found is None and traded == told.traded
            if is_as_told or not market.play_same_instant(sent.time):
                self._volume.settle(sent.time)
                return found

    def _keep(self, again: Decision) -> None:
        self._impact.settle()
        if self._flight is None:
            self._volume.settle(again.result.decided_at)
        self._flight = None
        self._done.append(again)
        result = again.result
        following = self._following(result.index)
        if following is None or following.sent_at != result.decided_at:
            self._volume.keep(self._order, result)
        self._order = self._order.after_slice(result, again.fills)

    def _following(self, index: int) -> SliceResult | None:
        """The slice behind; those that were settled in one look know of none before them."""
        slices = self._proof.record.slices
        return slices[index + 1] if index + 1 < len(slices) else None

    def _order_at(self, told: SliceResult) -> Order:
        plan = self._proof.plan_of(told.index)
        if plan is not self._order.plan:
            self._order = Order(terms=self._order.terms, plan=plan, progress=self._order.progress)
        return self._order

    def _take_beside(self, taken: list[Taken], market: RecordedMarket) -> None:
        """Remember what another order took: it was decided, and recorded, by itself."""
        self._play_what_others_met(taken, market)
        self._go_to(taken[0].time)
        if self._order.terms.realism.impact is ImpactModel.PRICE_SHIFT:
            self._walk_beside(taken, market)
            return
        memory = self._impact.levels(self._order.terms.realism.half_life)
        for one in taken:
            live = market.live_book(one.instrument)
            if live is not None:
                terms = self._order.terms
                key = LevelKey(terms.user_id, one.instrument, terms.side, one.price)
                epoch = live.book.ensure_level_epoch(terms.side, one.price)
                memory.take(key, one.quantity, level_epoch=epoch)
        self._impact.settle()

    def _play_what_others_met(self, taken: list[Taken], market: RecordedMarket) -> None:
        """Play up to the books that another order took from: each of its fills says when its own changed."""
        begun = taken[0].time
        met = [self._surely_met(begun, one.book_time) for one in taken]
        moment = Nanos(max(met) + MICROSECOND) if self._is_of_replicas else begun
        self._volume.play_before(moment, self._order, market)

    def _surely_met(self, decided: Nanos, book_time: Nanos | None) -> Nanos:
        """Before this, all that was recorded was met by who decided then.

        A server alone decides on the books that it records. A replica may be behind: its time tells how far.
        """
        if not self._is_of_replicas:
            return decided
        return min(decided, max(book_time or Nanos(0), Nanos(decided - _BEHIND)))

    def _walk_beside(self, taken: list[Taken], market: RecordedMarket) -> None:
        """Remember how far another order walked."""
        terms = self._order.terms
        open_ones = [
            (one, BookView(live))
            for one in terms.destinations
            if (live := market.live_book(one.instrument)) is not None and live.book.two_sided()
        ]
        named = {one.instrument.exchange for one, _ in open_ones}
        fills = [VenueLevel(one.instrument.exchange, one.price, one.quantity) for one in taken]
        matched = Match(fills=tuple(one for one in fills if one.exchange in named), stopped_by=None)
        note_walk(terms, matched, Quotes(tuple(open_ones), None), self._impact)
        self._impact.settle()

    def _go_to(self, moment: Nanos) -> None:
        """Let the memory of own impact be of then; of two engines' clocks the later one may be behind."""
        self._moment = max(self._moment, whole_microseconds(moment))

    def _new_memory(self) -> ImpactMemories:
        half_life = to_span(self._proven.config.impact_half_life)
        return ImpactMemories(half_life=half_life, monotonic=lambda: self._moment)

    def _recomputed(self) -> OrderRecord:
        """Ended as the order did: that its user canceled it is in no recording."""
        record = self._proof.record
        return OrderRecord(
            order=record.order.at(replace(self._order.progress, status=record.order.status)),
            slices=tuple(one.result for one in self._done),
            fills=tuple(fill for one in self._done for fill in one.fills),
            samples=(),
            plans=record.plans,
        )


@dataclass(frozen=True, slots=True)
class _Sending:
    """A slice at the moment it was sent, which is before it arrived."""

    told: SliceResult


def _in_order(proof: ProofRecord) -> Iterator[SliceResult | _Sending | list[Taken]]:
    """The user's decisions as they were made: this order's slices, and what others took at a time."""
    taken = [list(group) for _, group in groupby(proof.taken, key=lambda one: one.seq)]
    for one in proof.record.slices:
        seq, sent = proof.seqs.get(one.index, 0), one.sent
        while sent is not None and taken and taken[0][0].seq < seq and taken[0][0].time <= sent.time:
            yield taken.pop(0)
        if sent is not None and one.decided != sent.time:
            yield _Sending(one)
        while taken and taken[0][0].seq < seq:
            yield taken.pop(0)
        yield one


def _was_too_late_at_once(told: SliceResult) -> bool:
    """Whether it was known when the slice was sent that it would come too late: that can be recomputed."""
    return told.sent is not None and told.decided == told.sent.time


def _nearer(first: Difference | None, found: Difference) -> Difference:
    """Of several tries of one instant the one whose book is as old as the recorded one tells most."""
    return found if first is None or first.is_of_other_book else first


def _before_all(proof: ProofRecord) -> Order:
    record = proof.record
    return Order(
        terms=record.order.terms,
        plan=proof.plan_of(0),
        progress=OrderProgress(status=OrderStatus.WORKING),
    )


def _by_slice(fills: tuple[Fill, ...]) -> dict[int, tuple[Fill, ...]]:
    return {index: tuple(some) for index, some in groupby(fills, key=lambda one: one.slice_index)}
