"""Define what the server tells of itself and of the books it keeps."""

from pydantic import Field

from twap_models.base import ResponseModel
from twap_models.enums import Integrity, MarketMode, RegistrationMode
from twap_models.fields import Told, UtcDatetime


class DemoAccount(ResponseModel):
    """The account of a demo server; both are public."""

    username: str
    password: str


class ServerInfo(ResponseModel):
    """What runs here, and how one gets in."""

    name: str
    version: str
    time: UtcDatetime = Field(description="The server's clock.")
    market: MarketMode | str = Field(
        description="live: exchanges. demo: a simulated market. replay: a recording."
    )
    registration: RegistrationMode | str = Field(description="Who may make an account.")
    oidc: bool = Field(default=False, description="Whether an OpenID provider signs in too.")
    demo: DemoAccount | None = Field(default=None, description="Of a demo server: whoever likes may use it.")


class StatusChange(ResponseModel):
    """What a book was, from a time on."""

    time: UtcDatetime
    status: str = Field(description="live, stale, resyncing or down.")
    reason: str = ""


class BookHealth(ResponseModel):
    """How one collected book fares."""

    exchange: str
    symbol: str = Field(description="Canonical BASE-QUOTE.")
    status: str = Field(description="live, stale, resyncing or down. Only a live book is current.")
    reason: str = Field(default="", description="Why it is not live, or why nothing is filled from it.")
    since: UtcDatetime = Field(description="When the status changed last.")
    integrity: Integrity | str = Field(description="What proves it right: sequence, checksum, whole or none.")
    messages_per_second: Told | None = Field(
        default=None,
        description="Changes of the book in the last ten seconds, a second; null in its first second.",
    )
    changes: int = Field(description="Changes since the server started.")
    resyncs: int = Field(
        description="How often it was live and proved wrong, or was asked for anew, since it is collected."
    )
    reconnects: int = Field(
        description="How often another connection took over, planned ones too, since it is collected."
    )
    last_change: UtcDatetime | None = Field(
        default=None, description="When the last change reached the server; null: none did yet."
    )
    age_ms: int | None = Field(default=None, description="Milliseconds since then.")
    lag_ms: int | None = Field(
        default=None,
        description="Milliseconds from the exchange's time of the last change to its receipt, by two clocks; "
        "null where the exchange gives no time.",
    )
    history: list[StatusChange] = Field(
        default=[],
        description="Changes of status within the last 15 minutes, oldest first, at most 100. The first one "
        "is the status when they began, or when collecting did.",
    )
