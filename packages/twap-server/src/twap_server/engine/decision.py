"""Decide one due slice: what it wants, whether the book may be filled from, what it takes.

No I/O and no clock: the book and the time are passed in. The only state touched is the impact memory, so that
two slices of one user in the same instant never take the same size.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from twap_models.enums import Carry, Fidelity, SliceOutcome, SliceReason
from twap_server.domain import exact
from twap_server.domain.clock import Nanos
from twap_server.domain.exact import ZERO
from twap_server.domain.impact import ImpactMemory, LevelKey
from twap_server.domain.instrument import InstrumentId
from twap_server.domain.market import PriceLevel
from twap_server.domain.matching import Match, match, match_at_touch, slippage_bound
from twap_server.domain.order import Fill, Order, SliceResult
from twap_server.engine.gate import closed_because
from twap_server.engine.ports import LiveBookView


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A slice's outcome and its fills."""

    result: SliceResult
    fills: tuple[Fill, ...] = ()


def wanted_quantity(order: Order, index: int) -> Decimal:
    """What slice ``index`` wants, by the order's carry mode; at least 0, at most what remains."""
    schedule, remaining = order.terms.schedule, order.remaining
    last = index == schedule.count - 1
    match order.terms.carry:
        case Carry.SKIP:
            wanted = schedule.size(index)
        case Carry.LAST:
            wanted = remaining if last else schedule.size(index)
        case Carry.CATCH_UP:
            behind = exact.subtract(schedule.target(index), order.progress.filled)
            wanted = remaining if last else min(behind, schedule.catch_up_cap())
    return max(ZERO, min(wanted, remaining))


def lost(order: Order, index: int, reason: SliceReason, *, now: Nanos) -> Decision:
    """A slice whose time passed without a decision."""
    return Decision(
        result=SliceResult(
            index=index,
            due=order.terms.schedule.due(index),
            outcome=SliceOutcome.MISSED,
            reason=reason,
            wanted=wanted_quantity(order, index),
            decided=now,
        )
    )


class SliceDecider:
    """Decides due slices against live books."""

    def __init__(self, *, impact: ImpactMemory, max_book_age: int, fee: Callable[[str], Decimal]) -> None:
        """Args: max_book_age in nanoseconds; fee gives an exchange's taker fee as a share of notional."""
        self._impact = impact
        self._max_book_age = max_book_age
        self._fee = fee

    def decide(
        self, order: Order, index: int, live: LiveBookView | None, *, now: Nanos, final: bool
    ) -> Decision | None:
        """Decide, or None to wait for a usable book.

        Args:
            order: open, its next slice is ``index``.
            index: the due slice.
            live: the instrument's book.
            now: wall time, inside the slice's window.
            final: the slice may not wait any longer.
        """
        wanted = wanted_quantity(order, index)
        blank = replace(lost(order, index, SliceReason.NOT_NEEDED, now=now).result, wanted=wanted)
        if not wanted:
            return Decision(result=replace(blank, outcome=SliceOutcome.SKIPPED))
        closed = closed_because(live, now=now, max_age=self._max_book_age)
        if closed is not None or live is None:
            return Decision(result=replace(blank, reason=closed)) if final else None
        seen = _seen(blank, live)
        if _below_minimum(order, wanted, seen.mid):
            return Decision(result=replace(seen, reason=SliceReason.BELOW_MINIMUM))
        return self._fill(order, seen, live, now)

    def _fill(self, order: Order, seen: SliceResult, live: LiveBookView, now: Nanos) -> Decision:
        matched = self._match(order, seen, live, now)
        fills = tuple(
            self._book_fill(order, f"{order.terms.order_id}-{seen.index}-{number}", seen, level, live)
            for number, level in enumerate(matched.fills)
        )
        return Decision(
            result=replace(
                seen,
                outcome=_outcome(matched.filled, seen.wanted),
                reason=matched.stopped_by,
                filled=matched.filled,
                notional=exact.total(exact.multiply(f.price, f.quantity) for f in fills),
            ),
            fills=fills,
        )

    def _match(self, order: Order, seen: SliceResult, live: LiveBookView, now: Nanos) -> Match:
        terms = order.terms
        levels = live.book.walk(terms.side)
        if terms.fidelity is Fidelity.L1:
            return match_at_touch(terms.side, seen.wanted, levels, limit=terms.limit)
        assert seen.mid is not None

        def available(level: PriceLevel) -> Decimal:
            taken = self._impact.remembered(
                _level_key(order, level.price),
                generation=live.book.generation(terms.side, level.price),
                now=now,
                lot=terms.lot_size,
            )
            return max(ZERO, exact.subtract(level.quantity, taken))

        cap = slippage_bound(terms.side, seen.mid, terms.max_slippage_bps)
        return match(terms.side, seen.wanted, levels, limit=terms.limit, cap=cap, available=available)

    def _book_fill(
        self, order: Order, fill_id: str, seen: SliceResult, level: PriceLevel, live: LiveBookView
    ) -> Fill:
        terms, now = order.terms, seen.decided
        assert now is not None
        if terms.fidelity is Fidelity.DEPTH:
            self._impact.take(
                _level_key(order, level.price),
                level.quantity,
                generation=live.book.mark(terms.side, level.price),
                now=now,
                lot=terms.lot_size,
            )
        notional = exact.multiply(level.price, level.quantity)
        return Fill(
            fill_id=fill_id,
            slice_index=seen.index,
            time=now,
            exchange=terms.exchange,
            price=level.price,
            quantity=level.quantity,
            fee=exact.multiply(notional, self._fee(terms.exchange)),
        )


def _outcome(filled: Decimal, wanted: Decimal) -> SliceOutcome:
    if filled == wanted:
        return SliceOutcome.FILLED
    return SliceOutcome.PARTIAL if filled else SliceOutcome.MISSED


def _seen(blank: SliceResult, live: LiveBookView) -> SliceResult:
    bid, ask = live.book.best_bid(), live.book.best_ask()
    assert bid is not None and ask is not None
    mid = exact.midpoint(bid.price, ask.price)
    return replace(blank, mid=mid, book_seq=live.seq, book_time=live.ts_received)


def _below_minimum(order: Order, wanted: Decimal, mid: Decimal | None) -> bool:
    terms = order.terms
    if wanted < terms.min_quantity or wanted < terms.lot_size:
        return True
    price = terms.limit if terms.limit is not None else mid
    return price is not None and exact.multiply(price, wanted) < terms.min_notional


def _level_key(order: Order, price: Decimal) -> LevelKey:
    assert order.terms.instrument is not None
    instrument: InstrumentId = order.terms.instrument
    return LevelKey(order.terms.user_id, instrument, order.terms.side, price)
