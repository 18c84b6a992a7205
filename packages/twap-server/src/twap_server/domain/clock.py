"""Represent time in the domain: integer nanoseconds since the Unix epoch, UTC.

Only ``twap_server.clock`` reads a real clock. Everything else is given a ``Clock``, so that live,
replay and simulation run the same code.
"""

from datetime import UTC, datetime, timedelta
from typing import NewType, Protocol

Nanos = NewType("Nanos", int)

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
MICROSECOND = 1_000
_UNITS = ((10**17, 1), (10**14, MICROSECOND), (10**11, MILLISECOND))
"""From which number on a time counts units of so many nanoseconds."""
_LATEST = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_UTC = datetime(1970, 1, 1)  # noqa: DTZ001 - written without its offset


class Signal(Protocol):
    """Something to wait for: an ``asyncio.Event``."""

    def set(self) -> None:
        """Let whoever waits go on."""
        ...

    async def wait(self) -> object:
        """Return once it is set."""
        ...


class Clock(Protocol):
    """Wall time for records, monotonic time for waiting."""

    def now(self) -> Nanos:
        """Wall time: nanoseconds since the epoch, UTC. May jump."""
        ...

    def monotonic(self) -> Nanos:
        """Nanoseconds since some start; never goes back. For measuring waits only."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait at least ``seconds``; zero or less yields once. Cancellation leaves nothing behind."""
        ...

    async def wait(self, event: Signal, seconds: float) -> None:
        """Wait until the event is set; after ``seconds`` the clock sets it. Cancellation leaves nothing."""
        ...


def next_multiple(moment: int, step: int) -> Nanos:
    """The first whole multiple of a step after a moment."""
    return Nanos((moment // step + 1) * step)


def to_nanos(moment: datetime) -> Nanos:
    """Convert an aware datetime to nanoseconds, exact to the microsecond.

    Raises:
        ValueError: the datetime has no offset.
    """
    if moment.tzinfo is None:
        raise ValueError("expected a datetime with an offset")
    since = moment - _EPOCH  # in parts: dividing a timedelta costs three times as much
    return Nanos(((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000)


def to_span(length: timedelta) -> int:
    """Convert a length of time to nanoseconds, exact to the microsecond."""
    return ((length.days * 86_400 + length.seconds) * 1_000_000 + length.microseconds) * 1_000


def to_datetime(nanos: int) -> datetime:
    """Convert nanoseconds to an aware UTC datetime, cut to the microsecond."""
    return _EPOCH + timedelta(microseconds=nanos // 1_000)


def to_iso(nanos: int) -> str:
    """Write a moment in full: ISO 8601, UTC with ``Z``, cut to the microsecond."""
    return (_EPOCH_UTC + timedelta(microseconds=nanos // 1_000)).isoformat(timespec="microseconds") + "Z"


def unit_of(number: float) -> int:
    """Tell by its digits what a time since the epoch counts: seconds, or milli-, micro- or nanoseconds.

    The units are told apart from March 1973 on, until the year 5138.

    Returns:
        The unit's length in nanoseconds.
    """
    return next((unit for least, unit in _UNITS if number >= least), SECOND)


def from_epoch(number: int) -> Nanos:
    """Read a whole number of seconds, milli-, micro- or nanoseconds since the epoch; see ``unit_of``.

    Raises:
        ValueError: before 1970, or too late to be counted in 64 bits (2262).
    """
    nanos = number * unit_of(number)
    if not 0 <= nanos <= _LATEST:
        raise ValueError("expected a time between 1970 and 2262")
    return Nanos(nanos)


def of_receipt(number: float) -> Nanos:
    """Read the time of receipt in a row of a recording, whole or with decimals; see ``unit_of``.

    Cut to the microsecond, for a float of seconds tells no more.
    """
    return Nanos(round(number * (unit_of(number) / MICROSECOND)) * MICROSECOND)


def to_text(nanos: int) -> str:
    """Write a moment for a message: ISO 8601, UTC with ``Z``, cut to the second."""
    return to_datetime(nanos).isoformat(timespec="seconds").replace("+00:00", "Z")


def seconds_text(nanos: int) -> str:
    """Write a length of time for a message, in seconds cut to tenths, without the unit: ``2.5``."""
    tenths = nanos * 10 // SECOND
    return f"{tenths // 10}.{tenths % 10}"


def span_text(nanos: int) -> str:
    """Write a length of time for a message, in its two largest units: ``5 h``, ``1 h 30 min``, ``2.5 s``."""
    if nanos < 60 * SECOND:
        tenths = (nanos + 50 * MILLISECOND) // (100 * MILLISECOND)
        return f"{tenths // 10}.{tenths % 10}".removesuffix(".0") + " s"
    left, parts = (nanos + SECOND // 2) // SECOND, []
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, length)
        parts += [f"{count} {unit}"] if count else []
    return " ".join(parts[:2])
