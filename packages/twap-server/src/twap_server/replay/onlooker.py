"""Say what a replay needs of somebody who watches it. Whoever watches changes nothing in it."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from twap_server.collector.market_data import LiveMarket
from twap_server.domain.clock import Clock
from twap_server.domain.orders.order import OrderEvent
from twap_server.engine.engine import Engine


class Traded(NamedTuple):
    """Where an order of the replay trades."""

    exchange: str
    """An exchange, or ``aggregate``."""
    symbol: str
    """Canonical."""


class Onlooker(Protocol):
    """Watches a replay; the engine tells it of order events, as it tells every ``EventSink``."""

    def publish(self, user_id: str, event: OrderEvent) -> None:
        """Take what happened to an order; must neither block nor raise."""
        ...

    def look_at(self, traded: Sequence[Traded], *, market: LiveMarket, engine: Engine, clock: Clock) -> None:
        """Begin: the instruments of all orders are known, their books are held, nothing was played yet."""
        ...

    async def run(self) -> None:
        """Watch in virtual time until cancelled."""
        ...

    def finish(self) -> None:
        """Look once more: the recording has ended, and its last books are still there."""
        ...
