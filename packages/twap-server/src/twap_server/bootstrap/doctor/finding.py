"""What was found about one thing."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """The server starts; something may go wrong, or is not known."""
    FAULT = "fault"
    """The server does not start, or cannot do its work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report."""

    topic: str
    level: Level
    text: str
    """What was found."""
    advice: str = ""
    """What to do; empty: nothing."""


def ok(topic: str, text: str) -> Finding:
    """All is well."""
    return Finding(topic=topic, level=Level.OK, text=text)


def warning(topic: str, text: str, advice: str = "") -> Finding:
    """Something may go wrong."""
    return Finding(topic=topic, level=Level.WARNING, text=text, advice=advice)


def fault(topic: str, text: str, advice: str = "") -> Finding:
    """The server cannot do its work."""
    return Finding(topic=topic, level=Level.FAULT, text=text, advice=advice)


def worst(findings: Iterable[Finding]) -> Level:
    """Of all."""
    found = {one.level for one in findings}
    return next((level for level in (Level.FAULT, Level.WARNING) if level in found), Level.OK)
