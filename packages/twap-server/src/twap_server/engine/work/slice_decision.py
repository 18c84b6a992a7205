"""Decide one due slice: what it wants, whether the books may be filled from, what it takes.

Where an order has a latency, deciding and taking are two steps: ``decide`` gives what is on its way, and
``arrive`` takes what the books show then, within the bounds of the decision.

No I/O and no clock: the books and the time are passed in. The only state touched is the impact memory, so
that two slices of one user in the same instant never take the same size.
"""

from decimal import Decimal

from msgspec import Struct

from twap_models.enums import Carry, Fidelity, ImpactModel, OrderStatus, SliceOutcome, SliceReason
from twap_server.domain import exact
from twap_server.domain.clock import Nanos
from twap_server.domain.exact import ZERO
from twap_server.domain.execution.impact import LevelKey
from twap_server.domain.execution.matching import (
    Match,
    PriceBounds,
    VenueLevel,
    match,
    match_at_touch,
    slippage_bound,
)
from twap_server.domain.execution.own_impact import ImpactMemories
from twap_server.domain.orders.order import Fill, Order, Sent, SliceResult
from twap_server.domain.orders.terms import Plan
from twap_server.domain.orders.trading_rules import smallest_on, takes
from twap_server.engine.market.snapshot import Quotes
from twap_server.engine.work.shifted_walk import ladders_within_reach, note_walk

_PERCENT = Decimal("0.01")


class Decision(Struct, kw_only=True, gc=False):
    """A slice's outcome and its fills."""

    result: SliceResult
    fills: tuple[Fill, ...] = ()


class _Slice(Struct, gc=False):
    """A slice while it is decided: what it wants and, once it met books, what it saw of them."""

    order: Order
    index: int
    now: Nanos
    target: Decimal
    wanted: Decimal
    mid: Decimal | None = None
    touch: VenueLevel | None = None
    traded: Decimal | None = None
    book_time: Nanos | None = None
    sent: Sent | None = None

    @property
    def known_mid(self) -> Decimal | None:
        """The mid that whoever decided knew."""
        return self.mid if self.sent is None else self.sent.mid

    def ends(
        self,
        outcome: SliceOutcome,
        reason: SliceReason | None,
        *,
        filled: Decimal = ZERO,
        notional: Decimal = ZERO,
        fills: tuple[Fill, ...] = (),
    ) -> Decision:
        """Its outcome."""
        touch = self.touch
        result = SliceResult(
            index=self.index,
            due=self.order.schedule.due(self.index),
            outcome=outcome,
            reason=reason,
            wanted=self.wanted,
            filled=filled,
            notional=notional,
            decided=self.now,
            target=self.target,
            mid=self.mid,
            touch=None if touch is None else touch.price,
            touch_exchange="" if touch is None else touch.exchange,
            traded=self.traded,
            book_time=self.book_time,
            sent=self.sent,
        )
        return Decision(result=result, fills=fills)

    def missed(self, reason: SliceReason | None) -> Decision:
        """Nothing was filled."""
        return self.ends(SliceOutcome.MISSED, reason)


class InFlight(Struct, kw_only=True, gc=False):
    """A slice that was decided and has not reached the exchanges: only in memory."""

    seen: _Slice
    plan: Plan
    arrives: Nanos

    def is_of(self, order: Order, index: int) -> bool:
        """Whether it still stands: an amendment overtakes it."""
        return self.plan is order.plan and self.seen.index == index


def wanted_quantity(order: Order, index: int, target: Decimal, own: Decimal) -> Decimal:
    """What slice ``index`` wants, by the order's carry mode; at least 0, at most what remains.

    Args:
        order: as it is before the slice.
        index: of the slice.
        target: of the curve once the slice is done.
        own: the slice's own part of the curve.
    """
    schedule, filled = order.schedule, order.progress.filled
    remaining = exact.subtract(order.plan.quantity, filled)
    behind = exact.subtract(target, filled)
    carry, takes_rest = order.terms.carry, index == schedule.count - 1
    if takes_rest and schedule.follows_volume:  # nobody asked for more than a share
        takes_rest, remaining = False, min(remaining, behind)
    if carry is Carry.CATCH_UP:
        wanted = remaining if takes_rest else min(behind, schedule.most_of(index), remaining)
    elif carry is Carry.LAST and index == schedule.count - 1:
        wanted = remaining
    else:
        wanted = min(own, remaining)
    return wanted if wanted > ZERO else ZERO


def lost(order: Order, index: int, reason: SliceReason, *, now: Nanos) -> Decision:
    """A slice whose time passed without a decision."""
    return _slice(order, index, now).missed(reason)


def _slice(order: Order, index: int, now: Nanos, traded: Decimal | None = None) -> _Slice:
    """A slice before it met a book; ``traded`` since the one before, where the curve follows the volume."""
    schedule = order.schedule
    if schedule.follows_volume:
        before = order.progress.traded
        target = schedule.share_of(exact.add(before, traded or ZERO))
        own = exact.subtract(target, schedule.share_of(before))
        wanted = wanted_quantity(order, index, target, own)
        return _Slice(order, index, now, target, wanted, traded=traded)
    target = schedule.target(index)
    own = ZERO if order.terms.carry is Carry.CATCH_UP else schedule.size(index)
    return _Slice(order, index, now, target, wanted_quantity(order, index, target, own))


class SliceDecider:
    """Decides due slices against live books."""

    def __init__(self, *, impact: ImpactMemories) -> None:
        self._impact = impact

    def decide(
        self,
        order: Order,
        index: int,
        quotes: Quotes,
        *,
        now: Nanos,
        final: bool,
        traded: Decimal | None = None,
    ) -> Decision | InFlight | None:
        """Decide, or None to wait for a usable book. With a latency that gives what is on its way.

        Args:
            order: open, its next slice is ``index``.
            index: the due slice.
            quotes: the order's markets at this moment.
            now: wall time, inside the slice's window.
            final: the slice may not wait any longer.
            traded: what was traded since the slice before, where the order caps or follows it.
        """
        seen = _slice(order, index, now, traded)
        if order.status is OrderStatus.PAUSED:
            return seen.missed(SliceReason.PAUSED)
        if not seen.wanted:
            return seen.ends(SliceOutcome.SKIPPED, SliceReason.NOT_NEEDED)
        if not quotes.open:
            return seen.missed(quotes.closed) if final else None
        seen.traded = traded
        if order.terms.realism.slowest:
            return _sent(seen, quotes)
        return self._meet(seen, quotes)

    def arrive(self, flight: InFlight, order: Order, quotes: Quotes, *, now: Nanos) -> Decision:
        """What becomes of a slice that has reached its exchanges.

        Args:
            flight: what was decided.
            order: as it is now.
            quotes: its markets now: they may have moved, or closed.
            now: wall time, inside the slice's window.
        """
        seen = flight.seen
        seen.order, seen.now = order, now
        if order.status is OrderStatus.PAUSED:
            return seen.missed(SliceReason.PAUSED)
        if not quotes.open:
            return seen.missed(quotes.closed)
        return self._meet(seen, quotes)

    def _meet(self, seen: _Slice, quotes: Quotes) -> Decision:
        """The slice against books that are open."""
        seen.mid, seen.touch = quotes.mid, quotes.touch(seen.order.terms.side)
        seen.book_time = quotes.book_time
        allowed = _allowed(seen)
        quotes = _that_take(seen, quotes, seen.wanted)
        if not quotes.open:
            return seen.missed(SliceReason.BELOW_MINIMUM)
        if allowed < seen.wanted:
            quotes = _that_take(seen, quotes, allowed)
            if not quotes.open:
                return seen.missed(SliceReason.PARTICIPATION_CAP)
        matched = self._match(seen, quotes, allowed)
        reason = matched.stopped_by
        if reason is None and allowed < seen.wanted:
            reason = SliceReason.PARTICIPATION_CAP
        return self._filled(seen, matched, reason, quotes)

    def _match(self, seen: _Slice, quotes: Quotes, wanted: Decimal) -> Match:
        """Walk the books; while one of several would get less than it takes, without the one that gets least.

        One at a time: what it would have got may be enough for another.
        """
        matched = self._walk(seen, quotes, wanted)
        while len(quotes.open) > 1 and (too_little := _too_little(seen.order, matched, quotes)):
            quotes = quotes.without(min(too_little, key=too_little.__getitem__))
            matched = self._walk(seen, quotes, wanted)
        return matched

    def _walk(self, seen: _Slice, quotes: Quotes, wanted: Decimal) -> Match:
        terms, limit = seen.order.terms, seen.order.plan.limit
        assert seen.known_mid is not None
        lot = terms.lot_size
        cap = slippage_bound(terms.side, seen.known_mid, terms.max_slippage_bps)
        bounds = PriceBounds(side=terms.side, limit=limit, cap=cap)
        if terms.fidelity is Fidelity.L1:
            return match_at_touch(wanted, quotes.ladders(terms.side), bounds)
        if terms.realism.impact is ImpactModel.PRICE_SHIFT:
            ladders = ladders_within_reach(terms, quotes, self._impact)
            return match(wanted, ladders, bounds, available=lambda offer: exact.floor_to(offer.quantity, lot))
        memory = self._impact.levels(terms.realism.half_life)

        def available(offer: VenueLevel) -> Decimal:
            destination, book = quotes.destination(offer.exchange)
            taken = memory.remembered(
                LevelKey(terms.user_id, destination.instrument, terms.side, offer.price),
                level_epoch=book.side_for(terms.side).level_epoch(offer.price),
                lot=destination.lot_size,
            )
            left = exact.subtract(offer.quantity, taken) if taken else offer.quantity
            return exact.floor_to(left, lot) if left > ZERO else ZERO

        return match(wanted, quotes.ladders(terms.side), bounds, available=available)

    def _filled(self, seen: _Slice, matched: Match, reason: SliceReason | None, quotes: Quotes) -> Decision:
        fills, filled, notional = [], ZERO, ZERO
        for number, offer in enumerate(matched.fills):
            fill_id = f"{seen.order.terms.order_id}-{seen.index}-{number}"
            value = exact.multiply(offer.price, offer.quantity)
            fills.append(self._fill(seen, fill_id, offer, value, quotes))
            filled, notional = exact.add(filled, offer.quantity), exact.add(notional, value)
        if _walks_away(seen.order):
            note_walk(seen.order.terms, matched, quotes, self._impact)
        outcome = _outcome(filled, seen.wanted)
        return seen.ends(outcome, reason, filled=filled, notional=notional, fills=tuple(fills))

    def _fill(self, seen: _Slice, fill_id: str, offer: VenueLevel, notional: Decimal, quotes: Quotes) -> Fill:
        terms = seen.order.terms
        destination, book = quotes.destination(offer.exchange)
        if terms.fidelity is Fidelity.DEPTH and terms.realism.impact is ImpactModel.LEVEL:
            self._impact.levels(terms.realism.half_life).take(
                LevelKey(terms.user_id, destination.instrument, terms.side, offer.price),
                offer.quantity,
                level_epoch=book.side_for(terms.side).ensure_level_epoch(offer.price),
            )
        return Fill(
            fill_id=fill_id,
            slice_index=seen.index,
            time=seen.now,
            exchange=offer.exchange,
            price=offer.price,
            quantity=offer.quantity,
            fee=exact.multiply(notional, destination.fee),
            book_seq=book.live.seq,
            book_time=book.live.ts_received,
        )


def _sent(seen: _Slice, quotes: Quotes) -> Decision | InFlight:
    """The slice on its way; one that would come after its window misses: nothing fills after the end."""
    order, index = seen.order, seen.index
    latency = order.terms.realism.drawn(order.terms.seed, index)
    touch = quotes.touch(order.terms.side)
    seen.sent = Sent(
        time=seen.now, latency=latency, mid=quotes.mid, touch=None if touch is None else touch.price
    )
    arrives = Nanos(seen.now + latency)
    if arrives >= order.schedule.window_end(index):
        return seen.missed(SliceReason.TOO_LATE)
    return InFlight(seen=seen, plan=order.plan, arrives=arrives)


def _walks_away(order: Order) -> bool:
    terms = order.terms
    return terms.realism.impact is ImpactModel.PRICE_SHIFT and terms.fidelity is Fidelity.DEPTH


def _allowed(seen: _Slice) -> Decimal:
    """What the participation cap leaves of what the slice wants, on the lot grid."""
    terms = seen.order.terms
    if terms.participation_cap is None:
        return seen.wanted
    share = exact.multiply(exact.multiply(terms.participation_cap, _PERCENT), seen.traded or ZERO)
    return min(seen.wanted, exact.floor_to(share, terms.lot_size))


def _that_take(seen: _Slice, quotes: Quotes, quantity: Decimal) -> Quotes:
    """The markets whose smallest order is not above ``quantity``, valued at the limit, else at the mid."""
    lot, limit = seen.order.terms.lot_size, seen.order.plan.limit
    price = limit if limit is not None else seen.known_mid
    return quotes.only(lambda destination: takes(destination, quantity, lot, price))


def _too_little(order: Order, matched: Match, quotes: Quotes) -> dict[str, Decimal]:
    """What the walk sends to each exchange that does not take so little."""
    found = {}
    for exchange in dict.fromkeys(fill.exchange for fill in matched.fills):
        fills = [fill for fill in matched.fills if fill.exchange == exchange]
        sent = exact.total(fill.quantity for fill in fills)
        if sent < smallest_on(quotes.destination(exchange)[0], order.terms.lot_size, fills[0].price):
            found[exchange] = sent
    return found


def _outcome(filled: Decimal, wanted: Decimal) -> SliceOutcome:
    if filled == wanted:
        return SliceOutcome.FILLED
    return SliceOutcome.PARTIAL if filled else SliceOutcome.MISSED
