"""Say what one simulated exchange is: a value for each, listed in ``registry``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from starlette.routing import BaseRoute

from twap_server.domain.clock import Clock
from twap_server.venue.session import VenueSession
from twap_server.venue.source import Source, Spec

Rest: TypeAlias = Callable[[Source, Clock], Sequence[BaseRoute]]
"""Makes the REST routes of one exchange, below its own path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueProtocol:
    """One simulated exchange. Its paths all begin with its name."""

    name: str
    """As the server calls the exchange that it stands for."""
    session: type[VenueSession]
    """One WebSocket connection."""
    sockets: Sequence[str] = ("",)
    """Paths of its WebSockets."""
    ws_base: str = ""
    """Path that a client is given as the base of its WebSockets."""
    rest_base: str = ""
    """Path that a client is given as the base of its REST requests."""
    rest: Rest
    specs: Callable[[str, str], Sequence[Spec]]
    """Its instruments of one asset and one quote asset."""
    merges: bool = True
    """It tells all changes of a moment as one; else each change by itself."""
    has_checksums: bool = False
    """Its messages carry one, so it can be wrong."""

    def can_suffer(self, fault: str) -> bool:
        """Whether it has what a fault breaks."""
        return fault != "badsum" or self.has_checksums
