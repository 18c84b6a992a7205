"""Answer what the scripted server's closed orders cost: filtered, in pages, and counted."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter

from twap_client._assets import assets_of
from twap_client.testing.examples import moment
from twap_models import CostPage, CostSummary, OrderCost
from twap_models.fields import Moment

_MOMENT: TypeAdapter[Any] = TypeAdapter(Moment | None)


def cost_page(costs: Sequence[OrderCost], query: Mapping[str, str]) -> CostPage:
    """Give a page of these, newest end first, the first with sums; a cursor is how many came before."""
    found = sorted((one for one in costs if _fits(one, query)), key=lambda one: one.ended, reverse=True)
    first, many = int(query.get("after", 0)), int(query.get("limit", 100))
    until = first + many
    return CostPage(
        orders=found[first:until],
        summary=None if first else _counted(found),
        next=str(until) if until < len(found) else None,
    )


def _fits(one: OrderCost, query: Mapping[str, str]) -> bool:
    begins, ends = (moment(_MOMENT.validate_python(query.get(name))) for name in ("start_time", "end_time"))
    return (
        query.get("exchange") in (None, one.exchange)
        and query.get("side") in (None, one.side)
        and query.get("symbol") in (None, one.symbol, one.instrument)
        and (begins is None or one.ended >= begins)
        and (ends is None or one.ended < ends)
    )


def _counted(costs: Sequence[OrderCost]) -> CostSummary:
    notional: defaultdict[str, Decimal] = defaultdict(Decimal)
    shortfall: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in costs:
        _, quote = assets_of(one.instrument or one.symbol)
        notional[quote] += one.notional
        shortfall[quote] += one.shortfall or 0
    return CostSummary(
        orders=len(costs),
        filled_orders=sum(one.filled_quantity > 0 for one in costs),
        pending=sum(one.pending for one in costs),
        unpriced=sum(one.shortfall is None for one in costs),
        notional_by_quote=notional,
        shortfall_by_quote=shortfall,
        worst_bps=max((one.shortfall_bps for one in costs if one.shortfall_bps is not None), default=None),
    )
