"""Translate compared strategies and their curves to wire models. Decides nothing."""

from decimal import Decimal

from twap_models import preview as wire
from twap_server.domain.clock import to_datetime
from twap_server.domain.execution.impact_forecast import ImpactForecast
from twap_server.engine.entry.comparison import CurvePoint, StrategyView
from twap_server.reports.strategy import parameters


def comparison(made: StrategyView) -> wire.StrategyComparison:
    """One strategy beside the others."""
    return wire.StrategyComparison(
        strategy=made.strategy,
        strategy_parameters=parameters(made.choice),
        expected_cost_bps=made.cost_bps,
        risk_bps=made.risk_bps,
        curve=points(made.curve),
        note=made.note,
    )


def impact_forecast(made: ImpactForecast, supply: Decimal | None) -> wire.ImpactForecast:
    """What volume and volatility say; with the asset's supply all of it."""
    return wire.ImpactForecast(
        share_percent=made.share_percent,
        day_volume=made.day_volume,
        volatility=made.volatility,
        temporary_bps=made.temporary_bps,
        lasting_bps=None if supply is None else made.lasting_bps(supply),
        cost_bps=None if supply is None else made.cost_bps(supply),
    )


def points(curve: tuple[CurvePoint, ...]) -> list[wire.CurvePoint]:
    """A curve."""
    return [wire.CurvePoint(time=to_datetime(one.time), quantity=one.quantity) for one in curve]
