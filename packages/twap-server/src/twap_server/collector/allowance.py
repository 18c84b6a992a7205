"""Remember what an exchange still allows our address: budgets that were spent, and for how long it bans us.

It outlives those who ask the exchange. A node that loses its lease for a moment and collects anew has the
same address: what it spent is spent, and to ask an exchange that banned it makes the ban longer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from twap_server.collector.config import CollectorConfig
from twap_server.collector.cooldown import Cooldown
from twap_server.collector.rate_limit import RateLimiter
from twap_server.domain.clock import Clock
from twap_server.domain.errors import ExchangeRefuses
from twap_server.domain.market.errors import AttemptRefused
from twap_server.exchanges.base import Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAllowance:
    """Of requests over REST."""

    budgets: Mapping[str, RateLimiter]
    """By bucket."""
    cooldown: Cooldown[ExchangeRefuses]
    """Whether it may be asked anything."""

    @classmethod
    def of(cls, exchange: Exchange, clock: Clock) -> Self:
        """What it allows one that has asked nothing yet."""
        limits = exchange.limits.rest
        budgets = {
            bucket: RateLimiter(clock, amount=most, window_s=within)
            for bucket, (most, within) in limits.items()
        }
        return cls(budgets=budgets, cooldown=Cooldown(clock))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeAllowance:
    """Of all that is asked."""

    requests: RequestAllowance
    connects: RateLimiter
    cooldown: Cooldown[AttemptRefused]
    """Whether the exchange lets us try to connect."""
    resubscribes: RateLimiter
    """Of books that are subscribed anew, over all connections."""

    @classmethod
    def of(cls, exchange: Exchange, config: CollectorConfig, clock: Clock) -> Self:
        """What it allows one that has asked nothing yet."""
        connects = exchange.limits.connects
        return cls(
            requests=RequestAllowance.of(exchange, clock),
            connects=RateLimiter(clock, amount=connects.amount, window_s=connects.window_s),
            cooldown=Cooldown(clock),
            resubscribes=RateLimiter(clock, amount=config.resubscribes_per_exchange, window_s=60),
        )
