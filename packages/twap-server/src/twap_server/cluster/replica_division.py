"""Know into which parts an exchange is divided among collectors, as their pulses say it.

Each pulse says which part it is of, and how many there are. A division begins only once every lease of the
one before has ended, and each of its epochs is above all of that one. So the division with the higher epoch
is the newer one, and of an older one nothing counts any more.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from twap_server.cluster.market_messages import ExchangePulse
from twap_server.cluster.replica_part import ReplicaPart
from twap_server.domain.market.instrument import TRADING
from twap_server.domain.market.status import ConnectionState, ExchangeStatus
from twap_server.domain.ownership import ExchangePart, part_of, parts_of

_BEST_FIRST = (
    ConnectionState.CONNECTED,
    ConnectionState.CONNECTING,
    ConnectionState.DOWN,
    ConnectionState.IDLE,
)
"""The state of the whole is that of its best part; one that is down is worth more notice than an idle one."""


class ReplicaDivision:
    """Of one exchange. Until somebody is heard it is not divided."""

    def __init__(self, exchange: str, make: Callable[[ExchangePart], ReplicaPart]) -> None:
        """Args: make: begins to follow a part."""
        self._exchange, self._make = exchange, make
        self.parts: Sequence[ReplicaPart] = self._begun(1)
        """Another sequence with each new division."""

    def heard(self, told: ExchangePulse) -> ReplicaPart | None:
        """The part that a pulse is of; None: it is of a collector that was replaced."""
        if not 1 <= told.part <= told.parts:
            return None
        if told.parts != len(self.parts):
            if told.epoch <= max(one.epoch for one in self.parts):
                return None
            self.parts = self._begun(told.parts)
        part = self.parts[told.part - 1]
        return None if told.epoch < part.epoch else part

    def part_of(self, symbol: str) -> ReplicaPart:
        """The part that a symbol belongs to."""
        return self.parts[part_of(symbol, len(self.parts)) - 1]

    def status(self, unknown: ExchangeStatus) -> ExchangeStatus:
        """Say how the exchange is reached; ``unknown``: what to say of a part that was never heard."""
        return summed([(one.part, one.status(unknown)) for one in self.parts])

    def _begun(self, of: int) -> list[ReplicaPart]:
        return [self._make(part) for part in parts_of(self._exchange, of)]


def summed(told: Sequence[tuple[ExchangePart, ExchangeStatus]]) -> ExchangeStatus:
    """Say of the whole exchange what is said of its parts; of one part that is the same."""
    statuses = [status for _, status in told]
    state = min((one.state for one in statuses), key=_BEST_FIRST.index)
    lags = [one.lag for one in statuses if one.lag is not None]
    return replace(
        statuses[0],
        state=state,
        reason=_reason(told, state),
        since=min(one.since for one in statuses if one.state is state),
        connections=sum(one.connections for one in statuses),
        books=sum(one.books for one in statuses),
        instruments=max(one.instruments for one in statuses),
        market_status=next((one.market_status for one in statuses if one.market_status != TRADING), TRADING),
        retry_at=max((one.retry_at for one in statuses if one.retry_at is not None), default=None),
        lag=min(lags, default=None),
        clock_warning=next((one.clock_warning for one in statuses if one.clock_warning), ""),
    )


def _reason(told: Sequence[tuple[ExchangePart, ExchangeStatus]], state: ConnectionState) -> str:
    """What is said of all parts alike, or which part says what; that some are idle is no reason."""
    said = [
        (part, status.reason)
        for part, status in told
        if status.reason and (status.state is state or status.state is not ConnectionState.IDLE)
    ]
    if len(said) == len(told) and len({reason for _, reason in said}) == 1:
        return said[0][1]
    return "; ".join(f"part {part.number} of {part.of}: {reason}" for part, reason in said)
