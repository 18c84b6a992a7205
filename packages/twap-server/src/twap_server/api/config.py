"""Hold the API's settings and their defaults."""

from datetime import timedelta
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, SecretStr, model_validator

from twap_models.accounts import Password, UserName
from twap_models.enums import RegistrationMode

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def is_secure_url(url: str) -> bool:
    """Whether nobody on the way can read or change what is sent there: HTTPS, or this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    )


class PasswordConfig(BaseModel):
    """Cost of one password check (argon2id) and how many run at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    memory_kib: int = 65_536
    passes: int = 3
    lanes: int = 4
    concurrent: int = Field(default=2, ge=1, le=64)
    """Checks at once; each takes ``memory_kib``. Registrations have one fewer, so that sign-ins go on."""
    max_waiting: int = Field(default=64, ge=0)
    """More sign-ins than this waiting are refused with 503; as many password changes may wait."""
    max_waiting_registrations: int = Field(default=16, ge=0)
    """The same for registrations, which come after both."""
    max_failures: int = Field(default=10, ge=1)
    """Wrong passwords for one user name from one address without a wait; each one more doubles the wait."""
    max_failures_per_address: int = Field(default=100, ge=1)
    """The same from one address, whatever the name; not for who signed in from there before."""
    max_failures_per_name: int = Field(default=100, ge=1)
    """The same for one name, whatever the address; not for who signed in from there before."""
    lockout: timedelta = Field(default=timedelta(minutes=15), ge=timedelta(seconds=1))
    """The longest wait for one name from one address; and how long after a wait all of it is forgotten."""
    longest_shared_wait: timedelta = Field(default=timedelta(minutes=1), ge=timedelta(seconds=1))
    """The longest wait that others can cause: by the address, or by the name."""


class TokenConfig(BaseModel):
    """Life of the tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = "twap-server"
    audience: str = "twap"
    access_lifetime: timedelta = timedelta(minutes=15)
    refresh_lifetime: timedelta = timedelta(days=30)
    race_window: timedelta = timedelta(seconds=10)
    """A refresh token used twice within this time gets the same successor; later its family ends."""
    max_keys: int = 50
    """API keys per user."""
    max_key_lifetime: timedelta | None = Field(default=None, ge=timedelta(minutes=1))
    """The longest life of a new API key, and that of one without an end; None: such a key never ends."""


class RateConfig(BaseModel):
    """How often one address (IPv6: one /64 network) may call the routes that need no sign-in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reads_per_minute: int = Field(default=1_200, ge=1)
    """Exchanges, symbols, books, what runs here and how to get in; and accounts asked for, made or not."""
    candles_per_minute: int = Field(default=120, ge=1)
    """Candles: each may cost the exchange's patience."""
    oidc_per_minute: int = Field(default=30, ge=1)
    """Steps of signing in at an OpenID provider; a sign-in takes three."""


class OidcConfig(BaseModel):
    """Signing in at an OpenID provider; off while there is no issuer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(default="", max_length=512)
    """The provider's address, as its discovery document says it: ``https://``, or ``http://`` on loopback."""
    client_id: str = ""
    client_secret: SecretStr | None = None
    """Absent: a public client, which proves itself by PKCE alone."""
    callback_url: str = Field(default="", max_length=512)
    """What the provider sends browsers back to; empty: ``/auth/oidc/callback`` at the address asked for."""
    scopes: str = "openid profile"
    """What is asked of the provider, with spaces in between."""
    username_claim: str = "preferred_username"
    """Of the ID token: what an account made for somebody is called."""
    allowed_domains: tuple[str, ...] = ()
    """Domains of verified e-mail addresses; empty: any."""
    required_claim: str = ""
    required_values: tuple[str, ...] = ()
    """The claim must be, or contain, one of these."""
    create_accounts: bool = True
    """Whether who comes first gets an account; else accounts are linked on the server's machine."""
    timeout: timedelta = Field(default=timedelta(seconds=5), ge=timedelta(milliseconds=10))
    """For each answer of the provider."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.issuer and not is_secure_url(self.issuer):
            raise ValueError(
                "expected an issuer with https://, or with http:// on 127.0.0.1, ::1 or localhost"
            )
        if self.callback_url and not is_secure_url(self.callback_url):
            raise ValueError(
                "expected a callback_url with https://, or with http:// on 127.0.0.1, ::1 or localhost"
            )
        if self.issuer and not self.client_id:
            raise ValueError("expected a client_id, as the provider gave it")
        if self.issuer and "openid" not in self.scopes.split():
            raise ValueError("expected openid among the scopes")
        if bool(self.required_claim) != bool(self.required_values):
            raise ValueError("expected required_claim and required_values, both or neither")
        return self


class StreamConfig(BaseModel):
    """Limits of one WebSocket connection."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sign_in_timeout: timedelta = timedelta(seconds=10)
    send_timeout: timedelta = timedelta(seconds=10)
    """A client that takes nothing for this long is closed."""
    max_subscriptions: int = 128
    max_per_user: int = 8
    """Connections of one user."""
    max_connections: int = 5_000
    max_per_address: int = Field(default=1_000, ge=1)
    """Connections of one address (IPv6: one /64 network)."""
    max_unsigned: int = Field(default=1_000, ge=1)
    """Connections at once that have not signed in yet."""
    max_unsigned_per_address: int = Field(default=200, ge=1)
    """The same of one address."""
    max_message: int = 65_536
    """Bytes of one message from a client."""
    max_messages_per_second: int = 100
    inbox_capacity: int = 10_000
    """Order events and answers that may wait for one client."""
    replay_page: int = Field(default=100, ge=1, le=10_000)
    """Order events read and written at once when a client catches up; others go on between two pages."""
    depth: int = 10


class ApiConfig(BaseModel):
    """How the server meets its callers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_connections: int = 1_000
    """HTTP connections at once, beside the streams'; more get 503, where no idle one gives way."""
    max_connections_per_address: int = Field(default=200, ge=1)
    """HTTP connections of one address (IPv6: one /64 network); more are refused with 429."""
    write_timeout: timedelta = Field(default=timedelta(seconds=30), gt=timedelta(0))
    """A client that takes nothing of what was written to it for this long is cut off."""
    max_unread: int = Field(default=268_435_456, ge=1_048_576)
    """Bytes of answers that clients have not taken yet, of all; above it the largest is cut off."""
    max_books: int = 1_000
    """Books collected at once, above which readers get no further one; orders always get theirs."""
    max_books_per_user: int = Field(default=400, ge=1)
    """Of them, those that one user asked for within the last minute, streams included."""
    max_anonymous_books: int = Field(default=250, ge=0)
    """Of them, those that only callers without a sign-in ask for; users' come before them."""
    max_anonymous_books_per_address: int = Field(default=50, ge=0)
    """The same of one address (IPv6: one /64 network) within the last minute."""
    max_large_answers: int = Field(default=2, ge=1, le=64)
    """Orders and reports of more than 250 slices made at once, one of each user; the others wait."""
    max_large_answers_per_user: int = Field(default=4, ge=1)
    """Such answers of one user that are made or being read; more are refused with 503."""
    max_body: int = Field(default=1_048_576, description="Bytes of a request body.")
    max_anonymous_body: int = 16_384
    """Bytes of a body without a sign-in, and of every one under ``/auth``."""
    body_timeout: timedelta = timedelta(seconds=20)
    """A body that has not arrived by then is refused with 408."""
    allowed_origins: tuple[str, ...] = ()
    """Web pages of other hosts that may call; the server's own pages always may."""
    allowed_hosts: tuple[str, ...] = ()
    """Names by which callers may address us (``Host``); ``*.example.com``: all below it; ``*``: any."""
    root_path: str = Field(default="", max_length=256, pattern=r"^(/[A-Za-z0-9._~-]+)*$")
    """The path prefix under which a proxy serves us, such as ``/twap``; it may cut it off or not."""
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    """Addresses or networks whose ``X-Forwarded-For``, ``-Proto`` and ``-Prefix`` are believed."""
    dashboard: bool = True
    """Whether browsers get the dashboard at ``/``."""
    tournaments: Path | None = None
    """The folder of tournaments, one folder each, that every signed-in user may look at; None: none."""
    book_wait: timedelta = timedelta(seconds=5)
    """How long ``GET /orderbook`` waits for a book nobody watched."""
    registration: RegistrationMode = RegistrationMode.OPEN
    """Who may make an account."""
    accounts_per_address_per_day: int = Field(default=20, ge=1)
    """Accounts made from one address (IPv6: one /64 network) in 24 hours."""
    first_user: UserName | None = None
    """An administrator made at the start where there is no account at all."""
    first_user_password: Password | None = None
    passwords: PasswordConfig = PasswordConfig()
    tokens: TokenConfig = TokenConfig()
    oidc: OidcConfig = OidcConfig()
    rates: RateConfig = RateConfig()
    stream: StreamConfig = StreamConfig()

    @model_validator(mode="after")
    def _whole_first_user(self) -> Self:
        if (self.first_user is None) != (self.first_user_password is None):
            raise ValueError("expected first_user and first_user_password, both or neither")
        return self
