"""What is known of an API key: whose it is, what it may do, until when. Never its secret."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from twap_models.enums import Scope
from twap_server.domain.clock import Nanos


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key that was not deleted."""

    key_id: str
    user_id: str
    name: str
    """The user's own words."""
    created: Nanos
    scopes: Sequence[Scope]
    expires: Nanos | None = None
    """When it counts no more; None: it counts until it is deleted."""
    last_used: Nanos | None = None
    """To about a minute; None: never."""


class Adding(Enum):
    """How the adding of a key went; only ``ADDED`` recorded one."""

    ADDED = auto()
    FULL = auto()
    """The user has as many as allowed."""
    SIGNED_OUT = auto()
    """The sign-in that asked for it has ended meanwhile."""
