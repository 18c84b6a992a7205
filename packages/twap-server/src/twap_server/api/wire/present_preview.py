"""Translate a preview to its wire model. Decides nothing; exact numbers stay exact."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from twap_models import preview as wire
from twap_models.stream import age_ms
from twap_server.api.wire.present_realism import expected_realism, realism
from twap_server.api.wire.present_strategies import comparison, impact_forecast, points
from twap_server.domain.clock import Nanos, to_datetime
from twap_server.domain.execution.pre_trade_cost import Estimate
from twap_server.domain.go_live.check import GoLive, RuleFinding
from twap_server.domain.market.events import BookStatus
from twap_server.domain.orders.schedule import Schedule
from twap_server.engine.entry.expected_cost import ExpectedCost
from twap_server.engine.entry.preview import Preview
from twap_server.reports.strategy import parameters

SHOWN_SLICES = 1_000
"""Of one order."""
SHOWN_IN_ALL = 20_000
"""Slices in one answer, shared out among its orders."""


def order_preview(
    made: Preview, *, slices: int = SHOWN_SLICES, supply: Decimal | None = None
) -> wire.OrderPreview:
    """One preview with its first ``slices`` slices; ``supply`` is how much of the base currency exists."""
    request, rules = made.request, made.rules
    return wire.OrderPreview(
        token_id=request.token_id,
        exchange=request.exchange,
        symbol=request.symbol,
        instrument=rules.symbol if rules else None,
        side=request.side,
        accepted=not made.broken,
        broken=[
            wire.BrokenRule(reason=one.reason, field=one.field, detail=one.detail, nearest=one.nearest)
            for one in made.broken
        ],
        warnings=list(made.warnings),
        expected_cost=_cost(made.cost, made.time) if made.cost else None,
        cost_reason=made.cost_reason,
        go_live=[_go_live(one) for one in made.go_live],
        strategy=request.strategy.name,
        strategy_parameters=parameters(request.strategy),
        curve=points(made.curve),
        strategies=[comparison(one) for one in made.strategies],
        impact_forecast=impact_forecast(made.forecast, supply) if made.forecast else None,
        realism=realism(request.simulated),
        on_the_way=expected_realism(request.simulated, rules) if rules else None,
        **_plan(made, slices),
    )


def shown_slices(orders: int) -> int:
    """How many slices each of so many orders may show: an answer's size is bounded."""
    return min(SHOWN_SLICES, SHOWN_IN_ALL // max(1, orders))


def _plan(made: Preview, most: int) -> dict[str, Any]:
    plan, request = made.plan, made.request
    if plan is None or made.schedule is None:
        return {"quantity": request.quantity, "limit_price": request.limit}
    return {
        "quantity": plan.quantity,
        "limit_price": plan.limit,
        "start_time": to_datetime(plan.start),
        "end_time": to_datetime(plan.end),
        "interval": timedelta(microseconds=plan.interval // 1_000),
        "slice_count": plan.slice_count,
        "slices": _slices(made.schedule, most),
    }


def _slices(schedule: Schedule, most: int) -> list[wire.PlannedSlice]:
    return [
        wire.PlannedSlice(
            index=index, due_time=to_datetime(schedule.due(index)), quantity=schedule.planned(index)
        )
        for index in range(min(most, schedule.count))
    ]


def _cost(cost: ExpectedCost, now: Nanos) -> wire.ExpectedCost:
    changed = None if cost.book_time is None else to_datetime(cost.book_time)
    return wire.ExpectedCost(
        mid=cost.mid,
        touch=cost.touch,
        book_status=BookStatus.LIVE.value,
        book_age_ms=age_ms(changed, to_datetime(now)),
        slices=_estimate(cost.slices),
        sweep=_estimate(cost.sweep),
    )


def _estimate(made: Estimate) -> wire.CostEstimate:
    return wire.CostEstimate(
        filled_quantity=made.filled,
        unfilled_quantity=made.unfilled,
        average_price=made.average_price,
        spread=made.spread,
        depth=made.depth,
        fees=made.fees,
        total=made.total,
        total_bps=made.total_bps,
        stopped_by=made.stopped_by,
    )


def _go_live(made: GoLive) -> wire.GoLiveCheck:
    return wire.GoLiveCheck(
        exchange=made.exchange,
        market=made.market,
        verdict=made.verdict,
        rules=[_finding(one) for one in made.findings],
    )


def _finding(made: RuleFinding) -> wire.GoLiveFinding:
    source = made.rule.source
    return wire.GoLiveFinding(
        rule=made.rule.what,
        ok=made.ok,
        yours=made.yours,
        limit=made.rule.limit,
        message=made.message,
        nearest=made.nearest,
        nearest_of=made.nearest_of,
        source=source.title,
        url=source.url,
        as_of=source.as_of,
    )
