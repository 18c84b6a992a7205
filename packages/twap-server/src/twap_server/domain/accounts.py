"""Describe accounts, sign-ins and API keys as values. Never their secrets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from twap_models.enums import Scope
from twap_server.domain.clock import Nanos


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRecord:
    """An account."""

    user_id: str
    """Ours, never shown."""
    username: str
    """As the user spelled it."""
    password_hash: str = field(repr=False)
    """Never shown. Empty: no password signs in, an OpenID provider does."""
    created: Nanos
    is_admin: bool = False
    """Whether they may invite others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteRecord:
    """An invite that nobody has used yet; its code is not known here."""

    invite_id: str
    """Names it in lists."""
    note: str
    """The administrator's own words."""
    created: Nanos
    expires: Nanos
    """From when on it does not count."""


class Rotation(Enum):
    """How a refresh went."""

    OK = auto()
    RACED = auto()
    """The token was used a moment ago: ``successor_hash`` is what replaced it."""
    REUSED = auto()
    """The token was used before: revoke the family."""
    UNKNOWN = auto()
    EXPIRED = auto()
    REVOKED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationResult:
    """How a refresh went and whose it was; all but ``outcome`` is empty for an unknown token."""

    outcome: Rotation
    user_id: str = ""
    family_id: str = ""
    """The sign-in that the token belongs to."""
    expires: Nanos = Nanos(0)
    """Of the successor when there is one, of the token itself otherwise."""
    successor_hash: str = ""


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


@dataclass(slots=True)
class FailureCount:
    """How attempts of one key went, such as sign-ins for a name."""

    count: int = 0
    """Of those that failed."""
    pending: int = 0
    """Of those whose outcome is not known yet."""
    last: int = 0
    """When the newest failed, in nanoseconds of the clock that counts."""


@dataclass(slots=True, kw_only=True)
class KeyTries:
    """What gateways know together of the password tries of one key; moments by the database's clock."""

    failures: FailureCount = field(default_factory=FailureCount)
    begun: int = 0
    """When the newest began."""
    known_until: int = 0
    """Until when this key counts as one that signed in."""
    told: int = 0
    """From when on it may try, as it was told; 0: it was told nothing."""
    kept_until: int = 0
    """From when on all of this says nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriesOfKeys:
    """The tries of some keys at one moment of the database's clock; of a key without any, none."""

    now: int
    of: Mapping[str, KeyTries]
