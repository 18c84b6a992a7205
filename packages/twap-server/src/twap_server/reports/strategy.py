"""Translate how an order was spread to its wire model. Decides nothing."""

from datetime import timedelta
from functools import lru_cache

from twap_models.strategies import AUTO, StrategyParameters
from twap_server.domain.orders.strategies import Pov, Shortfall, StrategyChoice, Vwap


@lru_cache(maxsize=1_024)
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
        urgency=choice.pace if choice.is_by_urgency else None,
        volatility=choice.volatility,
        temporary_impact=choice.temporary_impact,
        permanent_impact=choice.permanent_impact,
    )
