"""Hold what somebody needs who wants to recompute an order's decisions from a recording of the market.

Beside the order's record that is the order in which the user's decisions were made, from which slice on each
plan held, and what the user's other orders took of the same books within the memory of own impact.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from twap_server.domain.clock import Nanos
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.orders.terms import Plan

REMEMBERED_HALF_LIVES: Final = 40
"""So far back others' fills may still matter: what was taken before is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What another order of the user took from a level, on the side that this order takes."""

    seq: int
    """Of the user's event that told it: decisions were made in this order."""
    time: Nanos
    instrument: InstrumentId
    price: Decimal
    quantity: Decimal
    book_time: Nanos | None = None
    """When the book last changed that it was taken from; None where that is not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRecord:
    """All of it, of one moment."""

    record: OrderRecord
    begins: Mapping[int, int]
    """By revision: the first slice that was decided under that plan."""
    seqs: Mapping[int, int]
    """By slice: the number of the user's event that told it."""
    taken: tuple[Taken, ...]
    """In the order of their numbers."""

    def plan_of(self, index: int) -> Plan:
        """The plan that a slice was decided under."""
        held = [plan for plan in self.record.plans if self.begins.get(plan.revision, 0) <= index]
        return held[-1] if held else self.record.order.plan
