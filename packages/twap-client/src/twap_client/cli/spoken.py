"""Read lengths, moments, percents and addresses as people write them. Pure; nothing of the network.

What is read here is handed on in the one spelling that the wire takes; what cannot be read is answered with
the option it was typed at, what was expected, and what stood there.
"""

import re
from decimal import Decimal
from ipaddress import ip_address
from urllib.parse import urlsplit

from twap_client.errors import UsageError

_UNITS = {
    "ms": Decimal("0.001"), "millisecond": Decimal("0.001"),
    "s": Decimal(1), "sec": Decimal(1), "second": Decimal(1),
    "m": Decimal(60), "min": Decimal(60), "minute": Decimal(60),
    "h": Decimal(3600), "hr": Decimal(3600), "hour": Decimal(3600),
    "d": Decimal(86400), "day": Decimal(86400),
    "w": Decimal(604800), "week": Decimal(604800),
}  # fmt: skip
_PART = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*([a-z]+)\s*(?:,|and\b)?", re.ASCII)
_PLAIN = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,4}):([0-5]\d):([0-5]\d)", re.ASCII)
_SHORT_CLOCK = re.compile(r"\d{1,4}:[0-5]\d", re.ASCII)
_OF_THE_WIRE = re.compile(r"\+\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h|d)?", re.ASCII)
_LONGEST = Decimal(315_360_000)
_LENGTHS = "a length such as 90 (seconds), 5m, 1h30m, '1 hour' or 00:05:00"
_BARE_ADDRESS = re.compile(
    r"(?:localhost|\[[0-9a-fA-F:.]+\]|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:\d))(?::\d{1,5})?(?:/.*)?",
    re.ASCII,
)
"""One word alone may be anything: a host's name has a dot in it, or a port behind it."""


def length(option: str, text: str | None) -> str | None:
    """Give a length of time in seconds, as text that the wire takes.

    Args:
        option: where it was typed, such as ``--duration``.
        text: what was typed: ``90``, ``5m``, ``1h30m``, ``1 hour``, ``00:05:00``.

    Raises:
        UsageError: it is none; one that could be hours or minutes is told both spellings.
    """
    if text is None:
        return None
    seconds = _seconds(option, text.strip())
    if seconds is None:
        raise UsageError(f"{option}: expected {_LENGTHS}, got {text[:40]!r}")
    if seconds > _LONGEST:
        raise UsageError(f"{option}: expected at most ten years, got {text[:40]!r}")
    return f"{seconds:f}"


def moment(option: str, text: str | None) -> str | None:
    """Give a moment as the wire takes it: ``+1h30m`` and ``in 90 minutes`` in seconds; others as they are.

    Raises:
        UsageError: what stands behind ``+`` or ``in`` is no length.
    """
    if text is None:
        return None
    bare = text.strip()
    if bare.lower() == "now":
        return "now"
    ahead = bare[1:] if bare.startswith("+") else bare[3:] if bare.lower().startswith("in ") else None
    return bare if ahead is None or _OF_THE_WIRE.fullmatch(bare) else f"+{length(option, ahead)}"


def percent(text: str | None) -> str | None:
    """Give a number without its percent sign."""
    return None if text is None else text.strip().removesuffix("%").rstrip()


def weights(option: str, text: str) -> str | list[str]:
    """Give ``auto`` or a list of numbers, as text that the wire takes: ``2,1,1,3`` or ``2 1 1 3``.

    Raises:
        UsageError: it is neither.
    """
    bare = text.strip().lower()
    if bare == "auto":
        return bare
    found = bare.replace(",", " ").split()
    if not found or not all(_PLAIN.fullmatch(one) for one in found):
        raise UsageError(f"{option}: expected auto, or weights such as 2,1,1,3, got {text[:40]!r}")
    return found


def address(text: str) -> str:
    """Give a server's address its scheme: ``http`` on this machine, else ``https``."""
    bare = text.strip()
    if "://" in bare or not _BARE_ADDRESS.fullmatch(bare):
        return bare
    return f"{'http' if is_loopback(bare) else 'https'}://{bare}"


def is_loopback(place: str) -> bool:
    """Whether ``host:port`` is this machine."""
    try:
        host = urlsplit(f"//{place}").hostname or ""
        return host == "localhost" or host.endswith(".localhost") or ip_address(host).is_loopback
    except ValueError:  # a name, or nothing that could be one
        return False


def _seconds(option: str, text: str) -> Decimal | None:
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    if clock := _CLOCK.fullmatch(text):
        hours, minutes, seconds = map(Decimal, clock.groups())
        return hours * 3600 + minutes * 60 + seconds
    if _SHORT_CLOCK.fullmatch(text):
        first, second = text.split(":")
        raise UsageError(
            f"{option}: {text} may be hours or minutes: write {first}:{second}:00 or 00:{first:0>2}:{second}"
        )
    return _sum(text)


def _sum(text: str) -> Decimal | None:
    """Add up parts such as ``1h 30min``; None where anything else stands there, or a unit comes twice."""
    total, at, seen = Decimal(0), 0, set[Decimal]()
    lower = text if text.endswith("M") else text.lower()  # 1M is a month wherever there are candles
    while at < len(lower):
        part = _PART.match(lower, at)
        unit = part and (_UNITS.get(part[2]) or _UNITS.get(part[2].removesuffix("s")))
        if not part or not unit or unit in seen:
            return None
        seen.add(unit)
        total, at = total + Decimal(part[1]) * unit, part.end()
    return total if seen else None
