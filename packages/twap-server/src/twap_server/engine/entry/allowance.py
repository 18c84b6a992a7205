"""Compute how much more a user may have open: orders, and slices a second."""

from dataclasses import dataclass

from twap_server.domain.orders.slice_rate import slice_rate_of
from twap_server.domain.orders.terms import Plan
from twap_server.engine.config import EngineConfig
from twap_server.engine.work.open_orders import OpenOrders


@dataclass(slots=True, kw_only=True)
class Allowance:
    """What a user has open, counted on while several orders are judged."""

    orders: int
    """Open orders."""
    pace: int
    """Their slices a second, in the units of ``domain.pace``."""
    most_orders: int
    most_pace: int
    """Slices a second, whole ones."""

    @property
    def is_full(self) -> bool:
        """Whether no further order may be open."""
        return self.orders >= self.most_orders

    def take(self, plan: Plan) -> None:
        """Count one more open order."""
        self.orders += 1
        self.pace += slice_rate_of(plan)


class Allowances:
    """The bounds of each user against what is open."""

    def __init__(self, *, open_orders: OpenOrders, config: EngineConfig) -> None:
        self._open_orders, self._config = open_orders, config

    def of(self, user_id: str) -> Allowance:
        """What the user has open now, and may have."""
        return Allowance(
            orders=self._open_orders.open_count(user_id),
            pace=self._open_orders.pace(user_id),
            most_orders=self._config.max_open_orders,
            most_pace=self._config.max_slices_per_second,
        )
