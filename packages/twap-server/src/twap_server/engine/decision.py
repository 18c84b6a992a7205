"""Decide one due slice: what it wants, whether the books may be filled from, what it takes.

No I/O and no clock: the books and the time are passed in. The only state touched is the impact memory, so
that two slices of one user in the same instant never take the same size.
"""

from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal

from twap_models.enums import Carry, Fidelity, OrderStatus, SliceOutcome, SliceReason
from twap_server.domain import exact
from twap_server.domain.clock import Nanos
from twap_server.domain.exact import ZERO
from twap_server.domain.grid import smallest_on
from twap_server.domain.impact import ImpactMemory, LevelKey
from twap_server.domain.matching import Bounds, Match, Offer, match, match_at_touch, slippage_bound
from twap_server.domain.order import Fill, Order, SliceResult
from twap_server.engine.quotes import Quotes

_PERCENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A slice's outcome and its fills."""

    result: SliceResult
    fills: tuple[Fill, ...] = ()


def wanted_quantity(order: Order, index: int) -> Decimal:
    """What slice ``index`` wants, by the order's carry mode; at least 0, at most what remains."""
    schedule, remaining = order.schedule, order.remaining
    last = index == schedule.count - 1
    match order.terms.carry:
        case Carry.SKIP:
            wanted = schedule.size(index)
        case Carry.LAST:
            wanted = remaining if last else schedule.size(index)
        case Carry.CATCH_UP:
            behind = exact.subtract(schedule.target(index), order.progress.filled)
            wanted = remaining if last else min(behind, schedule.most)
    return max(ZERO, min(wanted, remaining))


def lost(order: Order, index: int, reason: SliceReason, *, now: Nanos) -> Decision:
    """A slice whose time passed without a decision."""
    schedule = order.schedule
    return Decision(
        result=SliceResult(
            index=index,
            due=schedule.due(index),
            outcome=SliceOutcome.MISSED,
            reason=reason,
            wanted=wanted_quantity(order, index),
            target=schedule.target(index),
            decided=now,
        )
    )


class SliceDecider:
    """Decides due slices against live books."""

    def __init__(self, *, impact: ImpactMemory) -> None:
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
    ) -> Decision | None:
        """Decide, or None to wait for a usable book.

        Args:
            order: open, its next slice is ``index``.
            index: the due slice.
            quotes: the order's markets at this moment.
            now: wall time, inside the slice's window.
            final: the slice may not wait any longer.
            traded: what was traded since the slice before, where the order caps its participation.
        """
        if order.status is OrderStatus.PAUSED:
            return lost(order, index, SliceReason.PAUSED, now=now)
        blank = lost(order, index, SliceReason.NOT_NEEDED, now=now).result
        if not blank.wanted:
            return Decision(result=replace(blank, outcome=SliceOutcome.SKIPPED))
        if not quotes.open:
            return Decision(result=replace(blank, reason=quotes.closed)) if final else None
        return self._meet(order, _seen(order, blank, quotes, traded), quotes)

    def _meet(self, order: Order, seen: SliceResult, quotes: Quotes) -> Decision:
        """The slice against books that are open."""
        allowed = _allowed(order, seen)
        if not _that_take(order, seen, quotes, seen.wanted).open:
            return Decision(result=replace(seen, reason=SliceReason.BELOW_MINIMUM))
        quotes = _that_take(order, seen, quotes, allowed)
        if not quotes.open:
            return Decision(result=replace(seen, reason=SliceReason.PARTICIPATION_CAP))
        matched = self._match(order, seen, quotes, allowed)
        reason = matched.stopped_by
        if reason is None and allowed < seen.wanted:
            reason = SliceReason.PARTICIPATION_CAP
        return self._filled(order, seen, matched, reason, quotes)

    def _match(self, order: Order, seen: SliceResult, quotes: Quotes, wanted: Decimal) -> Match:
        """Walk the books; while one of several would get less than it takes, without the one that gets least.

        One at a time: what it would have got may be enough for another.
        """
        while True:
            matched = self._walk(order, seen, quotes, wanted)
            too_little = _too_little(order, matched, quotes)
            if len(quotes.open) == 1 or not too_little:
                return matched
            quotes = quotes.without(min(too_little, key=too_little.__getitem__))

    def _walk(self, order: Order, seen: SliceResult, quotes: Quotes, wanted: Decimal) -> Match:
        terms = order.terms
        assert seen.mid is not None
        ladders, lot = quotes.ladders(terms.side), terms.lot_size
        cap = slippage_bound(terms.side, seen.mid, terms.max_slippage_bps)
        bounds = Bounds(side=terms.side, limit=order.plan.limit, cap=cap)
        if terms.fidelity is Fidelity.L1:
            return match_at_touch(wanted, ladders, bounds)

        def available(offer: Offer) -> Decimal:
            leg, live = quotes.leg(offer.exchange)
            taken = self._impact.remembered(
                LevelKey(terms.user_id, leg.instrument, terms.side, offer.price),
                generation=live.book.generation(terms.side, offer.price),
                lot=lot,
            )
            left = exact.subtract(offer.quantity, taken)
            return exact.to_grid(left, lot, ROUND_FLOOR) if left > ZERO else ZERO

        return match(wanted, ladders, bounds, available=available)

    def _filled(
        self, order: Order, seen: SliceResult, matched: Match, reason: SliceReason | None, quotes: Quotes
    ) -> Decision:
        fills = tuple(
            self._fill(order, f"{order.terms.order_id}-{seen.index}-{number}", seen, offer, quotes)
            for number, offer in enumerate(matched.fills)
        )
        return Decision(
            result=replace(
                seen,
                outcome=_outcome(matched.filled, seen.wanted),
                reason=reason,
                filled=matched.filled,
                notional=exact.total(exact.multiply(f.price, f.quantity) for f in fills),
            ),
            fills=fills,
        )

    def _fill(self, order: Order, fill_id: str, seen: SliceResult, offer: Offer, quotes: Quotes) -> Fill:
        terms, now = order.terms, seen.decided
        assert now is not None
        leg, live = quotes.leg(offer.exchange)
        if terms.fidelity is Fidelity.DEPTH:
            self._impact.take(
                LevelKey(terms.user_id, leg.instrument, terms.side, offer.price),
                offer.quantity,
                generation=live.book.mark(terms.side, offer.price),
            )
        notional = exact.multiply(offer.price, offer.quantity)
        return Fill(
            fill_id=fill_id,
            slice_index=seen.index,
            time=now,
            exchange=offer.exchange,
            price=offer.price,
            quantity=offer.quantity,
            fee=exact.multiply(notional, leg.fee),
            book_seq=live.seq,
            book_time=live.ts_received,
        )


def _seen(order: Order, blank: SliceResult, quotes: Quotes, traded: Decimal | None) -> SliceResult:
    touch = quotes.touch(order.terms.side)
    assert touch is not None
    return replace(
        blank,
        mid=quotes.mid,
        touch=touch.price,
        touch_exchange=touch.exchange,
        traded=traded,
        book_time=quotes.book_time,
    )


def _allowed(order: Order, seen: SliceResult) -> Decimal:
    """What the participation cap leaves of what the slice wants, on the lot grid."""
    cap = order.terms.participation_cap
    if cap is None:
        return seen.wanted
    lot = order.terms.lot_size
    share = exact.multiply(exact.multiply(cap, _PERCENT), seen.traded or ZERO)
    return min(seen.wanted, exact.to_grid(share, lot, ROUND_FLOOR))


def _that_take(order: Order, seen: SliceResult, quotes: Quotes, quantity: Decimal) -> Quotes:
    """The markets whose smallest order is not above ``quantity``, valued at the limit, else at the mid."""
    price = order.plan.limit if order.plan.limit is not None else seen.mid
    return quotes.only(lambda leg: quantity >= smallest_on(leg, order.terms.lot_size, price))


def _too_little(order: Order, matched: Match, quotes: Quotes) -> dict[str, Decimal]:
    """What the walk sends to each exchange that does not take so little."""
    found = {}
    for exchange in dict.fromkeys(fill.exchange for fill in matched.fills):
        fills = [fill for fill in matched.fills if fill.exchange == exchange]
        sent = exact.total(fill.quantity for fill in fills)
        if sent < smallest_on(quotes.leg(exchange)[0], order.terms.lot_size, fills[0].price):
            found[exchange] = sent
    return found


def _outcome(filled: Decimal, wanted: Decimal) -> SliceOutcome:
    if filled == wanted:
        return SliceOutcome.FILLED
    return SliceOutcome.PARTIAL if filled else SliceOutcome.MISSED
