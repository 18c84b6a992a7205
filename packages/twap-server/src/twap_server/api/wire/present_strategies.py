"""Translate strategies and their curves to wire models. Decides nothing."""

from datetime import timedelta

from twap_models import preview as wire
from twap_models.strategies import AUTO, StrategyParameters
from twap_server.domain.clock import to_datetime
from twap_server.domain.orders.strategies import Pov, Shortfall, StrategyChoice, Vwap
from twap_server.engine.entry.comparison import CurvePoint, StrategyView


def parameters(choice: StrategyChoice) -> StrategyParameters | None:
    """What a strategy was asked for with; None where it has no parameters."""
    match choice:
        case Vwap():
            weights = choice.weights
            return StrategyParameters(
                volume_profile=AUTO if weights is None else list(weights),
                volume_days=choice.days if weights is None else None,
            )
        case Pov():
            return StrategyParameters(participation=choice.participation)
        case Shortfall():
            return _of_shortfall(choice)
    return None


def _of_shortfall(choice: Shortfall) -> StrategyParameters:
    half_life = choice.half_life
    return StrategyParameters(
        risk_aversion=choice.risk_aversion,
        half_life=None if half_life is None else timedelta(microseconds=half_life // 1_000),
        urgency=choice.pace,
        volatility=choice.volatility,
        temporary_impact=choice.temporary_impact,
        permanent_impact=choice.permanent_impact,
    )


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


def points(curve: tuple[CurvePoint, ...]) -> list[wire.CurvePoint]:
    """A curve."""
    return [wire.CurvePoint(time=to_datetime(one.time), quantity=one.quantity) for one in curve]
