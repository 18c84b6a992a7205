"""Describe what gateways tell each other of the calls that they let pass."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardHits:
    """What another gateway let pass within a moment."""

    gateway: str
    number: int
    """Each gateway counts what it tells."""
    limit: str
    """The name of the limit that it counts for."""
    ago: int
    """Nanoseconds since it was told."""
    hits: Mapping[str, int]
    """By key; below 0: so many of before were given back."""
