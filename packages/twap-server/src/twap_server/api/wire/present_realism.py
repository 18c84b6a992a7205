"""Translate realism to its wire models. Decides nothing."""

from datetime import timedelta

from twap_models.enums import ImpactModel, RealismProfile
from twap_models.realism import ExpectedRealism, OrderRealism, TakerFee
from twap_server.domain.clock import MICROSECOND
from twap_server.domain.orders.realism import SHIFT_HALF_LIFE, Realism
from twap_server.domain.orders.trading_rules import TradingRules


def realism(made: Realism) -> str | OrderRealism:
    """As it was asked for: a profile's name, or an order's own figures."""
    if made.profile is not RealismProfile.OWN:
        return made.profile.value
    return OrderRealism(
        latency=_span(made.latency),
        latency_spread=_span(made.latency_spread),
        impact=made.impact,
        impact_half_life=None if made.half_life is None else _span(made.half_life),
        fees=made.fees,
    )


def expected_realism(made: Realism, rules: TradingRules) -> ExpectedRealism:
    """What an order's slices would meet."""
    unsaid = SHIFT_HALF_LIFE if made.impact is ImpactModel.PRICE_SHIFT else None
    half_life = unsaid if made.half_life is None else made.half_life
    return ExpectedRealism(
        profile=made.profile.value,
        latency=_span(made.latency),
        latency_from=_span(made.latency - made.latency_spread),
        latency_to=_span(made.slowest),
        impact=made.impact,
        impact_half_life=None if half_life is None else _span(half_life),
        fees=[
            TakerFee(
                exchange=one.instrument.exchange,
                fee=one.fee,
                published=one.instrument.exchange in rules.published,
            )
            for one in rules.destinations
        ],
    )


def _span(nanos: int) -> timedelta:
    return timedelta(microseconds=nanos // MICROSECOND)
