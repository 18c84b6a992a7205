"""Compute figures of closed orders that are not kept yet: a bounded portion for each request.

An order of 100,000 slices takes seconds to read, so what one request computes is bounded by slices, and the
rest is pending until the next one. Newest first, and at least one: every request comes nearer to the end.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from twap_server.api.ports import CostRecords, OrderRecords
from twap_server.domain.clock import Clock
from twap_server.domain.errors import StoreUnavailable
from twap_server.domain.tca.headline import CostFigures, Unmeasured, figures_of, is_settled

_log = logging.getLogger(__name__)
MOST_ORDERS = 200
"""Looked for, and computed, for one request."""
MOST_SLICES = 5_000
"""Of all orders that are computed for one request, but for the first of them."""

Work: TypeAlias = Callable[[], CostFigures]
InTurn: TypeAlias = Callable[[int, Work], Awaitable[CostFigures]]
"""Does work on so many slices where others need not wait for it."""


def portion(missing: Sequence[Unmeasured]) -> Sequence[Unmeasured]:
    """Those to compute now."""
    chosen, slices = list[Unmeasured](), 0
    for one in missing:
        slices += one.slices
        if chosen and slices > MOST_SLICES:
            break
        chosen.append(one)
    return chosen


async def measured(
    user_id: str,
    missing: Sequence[Unmeasured],
    *,
    in_turn: InTurn,
    records: OrderRecords,
    costs: CostRecords,
    clock: Clock,
) -> Mapping[str, CostFigures]:
    """Compute the figures of these orders, by order id, and keep those that change no more."""
    found: dict[str, CostFigures] = {}
    for one in missing:
        record = await records.detail(user_id, one.token_id)
        if record is not None:
            found[one.order_id] = await in_turn(one.slices, partial(figures_of, record))
    now = clock.now()
    settled = {one.order_id for one in missing if is_settled(one.ended, now)}
    try:
        await costs.keep({name: figures for name, figures in found.items() if name in settled})
    except StoreUnavailable as error:
        _log.warning("costs of orders could not be kept, and will be computed again: %s", error)
    return found
