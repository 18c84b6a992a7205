"""See that the plans of an order follow one from the other, as amendments make them.

The first one begins with the order. A later one changes the limit alone, or is drawn anew from the slice that
it begins with: from there it goes on with what the slices before have filled.
"""

from collections.abc import Iterator
from itertools import accumulate

from twap_models.proof import OrderProof, ProofPlan
from twap_server.domain import exact
from twap_server.domain.clock import to_iso
from twap_server.domain.exact import ZERO
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.schedule import slice_count
from twap_server.proof.differences import Difference, contradicted


def plans(given: OrderProof, record: OrderRecord) -> Iterator[Difference]:
    """What cannot be as it says, in order.

    Args:
        given: its slices are numbered without a hole.
        record: the same order.
    """
    done = [ZERO, *accumulate((one.filled for one in record.slices), exact.add)]
    before: ProofPlan | None = None
    for number, one in enumerate(given.plans, 1):
        name, least = f"plan {number}", 0 if before is None else before.from_slice
        most = 0 if before is None else len(given.slices)
        if one.revision != number:
            yield contradicted(f"{name} revision", str(one.revision), str(number))
        if not least <= one.from_slice <= most:
            yield contradicted(f"{name} from_slice", str(one.from_slice), f"{least} to {most}")
        else:
            filled = done[one.from_slice]
            for field, recorded, expected in _fields(one, before, filled=exact.text(filled)):
                if recorded != expected:
                    yield contradicted(f"{name} {field}", recorded, expected)
            yield from _bounds(name, one, is_whole=one.quantity == filled)
            if one.quantity < filled or (one.quantity == filled and one.from_slice < len(given.slices)):
                yield contradicted(
                    f"{name} quantity", exact.text(one.quantity), f"above {exact.text(filled)}"
                )
        before = one
    yield from _begin(given)
    yield from _limits(given, record)


def _fields(one: ProofPlan, before: ProofPlan | None, *, filled: str) -> Iterator[tuple[str, str, str]]:
    """Field, as recorded, as it has to be."""
    if before is None or not _changes_the_limit_alone(one, before):
        yield "first", str(one.first), str(one.from_slice)
        yield "base", exact.text(one.base), filled


def _changes_the_limit_alone(one: ProofPlan, before: ProofPlan) -> bool:
    kept = {"revision": one.revision, "from_slice": one.from_slice, "limit_price": one.limit_price}
    return before.model_copy(update=kept) == one


def _bounds(name: str, one: ProofPlan, *, is_whole: bool) -> Iterator[Difference]:
    """A window with as many slices as its interval makes; the last one may have joined the one before."""
    if one.end_ns <= one.start_ns:
        yield contradicted(f"{name} end", to_iso(one.end_ns), f"after {to_iso(one.start_ns)}")
    elif one.interval_ns <= 0:
        yield contradicted(f"{name} interval", str(one.interval_ns), "above 0")
    elif not (is_whole and one.slice_count == one.first):
        most = slice_count(one.end_ns - one.start_ns, one.interval_ns)
        if one.slice_count - one.first not in (most, max(1, most - 1)):
            yield contradicted(f"{name} slice_count", str(one.slice_count), str(one.first + most))


def _begin(given: OrderProof) -> Iterator[Difference]:
    begun, planned = given.start_ns, given.plans[0].start_ns
    if begun != planned:
        yield contradicted("start", to_iso(begun), to_iso(planned))


def _limits(given: OrderProof, record: OrderRecord) -> Iterator[Difference]:
    """Each on the grid of one of the markets: a limit is rounded to it when the order comes."""
    grids = [one.prices for one in record.order.terms.destinations]
    for number, one in enumerate(given.plans, 1):
        limit = one.limit_price
        if limit is not None and not any(grid.floor(limit) == limit for grid in grids):
            yield contradicted(f"plan {number} limit_price", exact.text(limit), "a price that a market has")
