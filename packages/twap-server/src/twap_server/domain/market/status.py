"""Describe how exchanges are reached and how their books fare: the collector knows it, the API shows it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import Nanos
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId


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
    taker_fee: Decimal
    """What fills here cost, as a share of their notional: from the settings."""
    clock_warning: str
    """That its clock and ours differ by more than a second, in words fit for a user; empty otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSince:
    """A state of a book, and since when it was in it."""

    time: Nanos
    status: BookStatus
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedBook:
    """How a book fares that is collected now."""

    instrument: InstrumentId
    status: BookStatus
    reason: str
    """Why it is not live, or does not trade; empty when nothing is wrong."""
    since: Nanos
    """Wall time of the last change of status."""
    changes: int
    """Changes applied since the server started."""
    changes_per_second: Decimal | None
    """Of the last ten seconds, rounded down to a tenth; None in the first second."""
    resyncs: int
    """How often it was live and turned out to be wrong, or was asked for anew, on one connection."""
    reconnects: int
    """How often another connection took its place."""
    last_change: Nanos | None
    """Wall time at which the last change was received; None: none was yet."""
    lag: int | None
    """Nanoseconds from the exchange's time of the last change to its receipt; None where it is not known."""
    history: tuple[StateSince, ...]
    """Its states of the last 15 minutes, oldest first; the first one is how it was when they began."""
