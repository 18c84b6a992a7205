"""Say whether a recording has the time in which an order was decided: what is not in it proves nothing.

In: what the order is proven by, when the recordings begin and end. Out: why nothing can be verified, in words
with both moments; empty where that is no reason.
"""

from collections.abc import Mapping
from typing import Final

from twap_server.domain.clock import Nanos, to_iso
from twap_server.domain.orders.proof import ProofRecord
from twap_server.proof.differences import Difference

_OF_TRADES: Final = frozenset({"target", "wanted", "traded"})
"""What hangs on the trades between two slices, where the order goes by them."""
_OF_MESSAGES: Final = frozenset({"book", "book_time", "sent", "mid when sent", "touch when sent"})
"""What tells which messages had come."""


def uncovered(proof: ProofRecord, first: Nanos, ends: Mapping[str, Nanos]) -> str:
    """Why recordings prove nothing of this order by when they begin and end.

    Args:
        proof: has at least one slice.
        first: when the earliest of them begins.
        ends: when each exchange's ends; 0: it has no message.
    """
    end, slices = max(ends.values()), proof.record.slices
    if not end:
        return "the recording has no received message"
    if first > (last := slices[-1].decided_at):
        return (
            f"the recording begins at {to_iso(first)}, after the order's last decision at {to_iso(last)}: "
            "it is of another time"
        )
    met = [(one, one.book_time) for one in slices if one.book_time is not None]
    if met and met[0][1] < first:
        return (
            f"the recording begins at {to_iso(first)}, and slice {met[0][0].index + 1} met a book of "
            f"{to_iso(met[0][1])}: only what was recorded from before an order on can be verified. Start "
            "the server with --record before orders are submitted"
        )
    begun = slices[0].decided_at
    if begun > end and all(book_time > end for _, book_time in met):
        return (
            f"the recording ends at {to_iso(end)}, before the order's first decision at {to_iso(begun)}: "
            "it is of another time"
        )
    return ""


def not_recorded(
    proof: ProofRecord, found: Difference, ends: Mapping[str, Nanos], losses: Mapping[str, Nanos]
) -> str:
    """Why a difference is none of the order: what the slice went by is not in a recording.

    Args:
        proof: of the order.
        found: the difference.
        ends: when each exchange's recording ends.
        losses: from when on messages are missing, of those recordings that lost some.
    """
    told = next((one for one in proof.record.slices if one.index == found.slice), None)
    if told is None:
        return ""
    if found.field not in _OF_MESSAGES and (told.traded is None or found.field not in _OF_TRADES):
        return ""
    decided = f"before slice {told.index + 1} was decided at {to_iso(told.decided_at)}"
    name, end = min(ends.items(), key=lambda one: one[1])
    if end < told.decided_at:
        return (
            f"the recording of {name} ends at {to_iso(end)}, {decided}: from there on nothing can be "
            "verified. The slices before are equal"
        )
    for name, lost_at in losses.items():
        if lost_at < told.decided_at:
            return (
                f"messages of {name} are missing in the recording from {to_iso(lost_at)} on, {decided}: what "
                "it met cannot be verified. The slices before are equal"
            )
    return ""
