"""Describe whether an exchange is connected, as the collector knows it and the API shows it."""

from dataclasses import dataclass
from enum import StrEnum

from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import Nanos


class ConnectionState(StrEnum):
    """How an exchange is reached."""

    CONNECTED = "connected"
    CONNECTING = "connecting"
    IDLE = "idle"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeStatus:
    """What is known about the way to an exchange."""

    name: str
    state: ConnectionState
    reason: str
    """Why it is not connected, or does not trade, in words fit for a user; empty otherwise."""
    since: Nanos
    """Wall time of the last change of state."""
    connections: int
    """Open connections."""
    books: int
    """Books collected now."""
    instruments: int
    """Instruments listed; 0 while the list is not loaded."""
    integrity: Integrity
    intervals: tuple[Interval, ...]
    """Candle intervals the exchange has itself."""
    market_status: str
    """What the exchange says of itself: ``trading``, or its own word."""
    retry_at: Nanos | None
    """Wall time until which the exchange is asked nothing, or not tried; None when it is."""
    lag: int | None
    """Least nanoseconds from the exchange's time to receipt, lately; None where it is not known."""
    clock_warning: str
    """That its clock and ours differ by more than a second, in words fit for a user; empty otherwise."""
