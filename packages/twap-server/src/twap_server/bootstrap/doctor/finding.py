"""Describe the result of one check."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
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
    level: Severity
    text: str
    """What was found."""
    advice: str = ""
    """What to do; empty: nothing."""


def ok(topic: str, text: str) -> Finding:
    """All is well."""
    return Finding(topic=topic, level=Severity.OK, text=text)


def warning(topic: str, text: str, advice: str = "") -> Finding:
    """Something may go wrong."""
    return Finding(topic=topic, level=Severity.WARNING, text=text, advice=advice)


def fault(topic: str, text: str, advice: str = "") -> Finding:
    """The server cannot do its work."""
    return Finding(topic=topic, level=Severity.FAULT, text=text, advice=advice)


def worst(findings: Iterable[Finding]) -> Severity:
    """Of all."""
    found = {one.level for one in findings}
    return next((level for level in (Severity.FAULT, Severity.WARNING) if level in found), Severity.OK)
