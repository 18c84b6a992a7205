"""See that what an order is proven by does not contradict itself, before anything is recomputed.

In: the document. Out: the first field that cannot be as it says, by the rules that every order keeps: no
slice is left out or told twice, each fill is of a slice that is there, each plan follows from the one before.
What a slice came to is none of this: that is recomputed.
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from twap_models.enums import AGGREGATE, SliceReason, Strategy
from twap_models.proof import OrderProof, ProofTaken
from twap_server.domain import exact
from twap_server.domain.clock import to_iso
from twap_server.domain.exact import ZERO
from twap_server.domain.orders.order import Order, SliceResult
from twap_server.domain.ownership import MOST_OFF
from twap_server.engine.work.step import had_elapsed
from twap_server.proof.differences import Difference, contradicted
from twap_server.proof.document import Proven
from twap_server.proof.met_books import WITHOUT_BOOK
from twap_server.proof.plan_consistency import plans

_CLOCKS: Final = 2 * MOST_OFF
"""By so much the clocks of two engines may differ that worked a user's orders one after the other."""
_CURVES: Final = {
    Strategy.TWAP: "linear",
    Strategy.VWAP: "volume_profile",
    Strategy.IS: "decay",
    Strategy.POV: "participation",
    Strategy.SWEEP: "at_once",
}


def contradiction(proven: Proven) -> Difference | None:
    """The first field that another one contradicts; None where there is none."""
    return next(_all(proven), None)


def _all(proven: Proven) -> Iterator[Difference]:
    given = proven.given
    yield from _slices(given)
    yield from _fills(given)
    yield from _taken(given)
    yield from _markets(given)
    for number, plan in enumerate(given.plans, 1):
        yield from _differing(f"plan {number} curve", plan.curve.kind, _CURVES[given.strategy])
    yield from plans(given, proven.proof.record)
    yield from _moments(proven)


def _slices(given: OrderProof) -> Iterator[Difference]:
    """Numbered without a hole, told one after the other, no more than there are."""
    before = -1
    for index, one in enumerate(given.slices):
        yield from _differing("slices", f"slice {one.index + 1}", f"slice {index + 1}")
        if one.seq <= before:
            yield contradicted("seq", str(one.seq), f"above {before}, the one of the slice before", at=index)
        before = one.seq
    most = given.plans[-1].slice_count
    if len(given.slices) > most:
        yield contradicted("slices", str(len(given.slices)), f"at most {most}, as planned")


def _fills(given: OrderProof) -> Iterator[Difference]:
    """Of slices that are there, in their order, numbered within each."""
    at, number, count = 0, 0, len(given.slices)
    for one in given.fills:
        if not 0 <= one.slice < count:
            yield contradicted("fills", f"one of slice {one.slice + 1}", f"those of slices 1 to {count}")
        if one.slice < at:
            yield contradicted(
                "fills", f"one of slice {one.slice + 1} behind one of slice {at + 1}", "in order"
            )
        number = number + 1 if one.slice == at else 1
        at = one.slice
        yield from _differing("fill", f"number {one.number + 1}", f"number {number}", at=at)


def _taken(given: OrderProof) -> Iterator[Difference]:
    """By other orders' slices, each of one moment, on markets of this one."""
    markets = {(one.exchange, one.symbol) for one in given.markets}
    own, before = {one.seq for one in given.slices}, None
    for number, one in enumerate(given.taken, 1):
        if one.seq in own:
            yield contradicted(f"taken {number} seq", str(one.seq), "one of another order")
        if before is not None and one.seq < before.seq:
            yield contradicted(f"taken {number} seq", str(one.seq), f"from {before.seq} on")
        if before is not None and one.seq == before.seq:
            yield from _differing(f"taken {number} time", to_iso(one.time_ns), to_iso(before.time_ns))
        if (one.exchange, one.symbol) not in markets:
            yield contradicted(
                f"taken {number}", f"on {one.exchange}:{one.symbol}", "on a market of the order"
            )
        yield from _out_of_turn(f"taken {number} time", one, given)
        before = one


def _out_of_turn(field: str, one: ProofTaken, given: OrderProof) -> Iterator[Difference]:
    """What was decided between two slices was so in time, too; clocks of two engines may differ a little."""
    following = bisect_left(given.slices, one.seq, key=lambda part: part.seq)
    for at in (following - 1, following):
        decided = given.slices[at].decided_ns if 0 <= at < len(given.slices) else None
        ahead = 0 if decided is None else one.time_ns - decided
        if decided is not None and (ahead < -_CLOCKS if at < following else ahead > _CLOCKS):
            when = "after" if at < following else "before"
            yield contradicted(field, to_iso(one.time_ns), f"{when} {to_iso(decided)}, slice {at + 1}")


def _markets(given: OrderProof) -> Iterator[Difference]:
    """As the order names them, each once; the order's lot is one that all of them take."""
    if not given.markets:
        return
    names = [one.exchange for one in given.markets]
    if given.exchange != AGGREGATE:
        yield from _differing("exchange", given.exchange, ", ".join(names))
    elif len(set(names)) < len(names):
        yield contradicted("markets", ", ".join(names), "each exchange once")
    yield from _differing("instrument", given.instrument or "none", given.markets[0].symbol)
    lot = exact.common_multiple([one.lot_size for one in given.markets])
    yield from _differing("lot_size", exact.text(given.lot_size), exact.text(lot))
    if lot <= ZERO:
        yield contradicted("lot_size", exact.text(lot), "above 0")


def _moments(proven: Proven) -> Iterator[Difference]:
    """Slices were decided when they were due, within their windows; those past already had elapsed."""
    record, order = proven.proof.record, proven.proof.record.order
    for told in record.slices:
        plan = proven.proof.plan_of(told.index)
        if plan is not order.plan:
            order = Order(terms=order.terms, plan=plan, progress=order.progress)
        yield from _moments_of(told, order)


def _moments_of(told: SliceResult, order: Order) -> Iterator[Difference]:
    at, decided, sent = told.index, told.decided_at, told.sent
    if had_elapsed(order, at) is not (told.reason is SliceReason.ELAPSED):
        expected = "elapsed" if had_elapsed(order, at) else "another one, for the order came before it"
        yield contradicted("reason", told.reason or "none", expected, at=at)
    if told.reason is not SliceReason.ELAPSED and told.sent_at < told.due:
        name = "decided" if sent is None else "sent"
        yield contradicted(name, to_iso(told.sent_at), f"from {to_iso(told.due)} on, when it was due", at=at)
    if sent is not None and sent.time != decided < sent.time + sent.latency:
        arrived = to_iso(sent.time + sent.latency)
        yield contradicted("decided", to_iso(decided), f"from {arrived} on, when it arrived", at=at)
    end = order.schedule.window_end(at)
    if told.reason not in WITHOUT_BOOK and decided >= end:
        yield contradicted("decided", to_iso(decided), f"before {to_iso(end)}, when its time was over", at=at)


def _differing(field: str, recorded: str, expected: str, *, at: int | None = None) -> Iterator[Difference]:
    if recorded != expected:
        yield contradicted(field, recorded, expected, at=at)
