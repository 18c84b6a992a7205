"""Define how an order is spread over its window: the strategies' parameters, asked for and answered."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, WithJsonSchema

from twap_models.base import ResponseModel
from twap_models.enums import Strategy, Urgency
from twap_models.fields import Duration, Told, parse_number
from twap_models.reading import number

AUTO: Literal["auto"] = "auto"
MOST_WEIGHTS = 288
"""One for each five minutes of a day."""

PARAMETERS: Mapping[Strategy, tuple[str, ...]] = {
    Strategy.TWAP: (),
    Strategy.VWAP: ("volume_profile", "volume_days"),
    Strategy.IS: (
        "risk_aversion",
        "half_life",
        "urgency",
        "volatility",
        "temporary_impact",
        "permanent_impact",
    ),
    Strategy.POV: ("participation",),
    Strategy.SWEEP: (),
}
"""What each strategy takes."""


def _to_profile(value: Any) -> Literal["auto"] | list[Decimal]:
    if value == AUTO:
        return AUTO
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MOST_WEIGHTS:
        raise ValueError(f'expected "auto" or a list of 1 to {MOST_WEIGHTS} weights, got {str(value)[:60]!r}')
    weights = [parse_number(one) for one in value]
    if any(one < 0 for one in weights):
        raise ValueError("expected weights of at least 0")
    return weights


Profile: TypeAlias = Annotated[
    Literal["auto"] | list[Decimal],
    BeforeValidator(_to_profile),
    WithJsonSchema(
        {"anyOf": [{"const": AUTO}, {"type": "array", "items": {"type": "number"}, "minItems": 1}]}
    ),
]
"""``auto``, or weights of equal parts of the window."""


class StrategyParameters(ResponseModel):
    """What an order's strategy was asked for with; null where it has no such parameter or none was given."""

    volume_profile: Profile | None = None
    volume_days: int | None = None
    risk_aversion: Told | None = None
    half_life: Duration | None = None
    urgency: Urgency | None = None
    volatility: Told | None = None
    temporary_impact: Told | None = None
    permanent_impact: Told | None = None
    participation: Told | None = None


def strategy_words(strategy: Strategy | str, given: StrategyParameters | None) -> str:
    """Name a strategy with the parameter that decides most: ``is high``, ``pov 10 %``."""
    if given is None:
        return str(strategy)
    if given.participation is not None:
        return f"{strategy} {number(given.participation)} %"
    if given.urgency is not None:
        return f"{strategy} {given.urgency}"
    if given.half_life is not None:
        return f"{strategy}, half-life {given.half_life.total_seconds():.12g} s"
    if given.risk_aversion is not None:
        return f"{strategy}, risk aversion {number(given.risk_aversion)}"
    return str(strategy) if given.volume_profile in (None, AUTO) else f"{strategy} (weights)"
