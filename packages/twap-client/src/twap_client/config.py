"""Hold what a caller may set: the address, timeouts, and where the sign-in is kept between runs."""

import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

from twap_client.errors import InvalidSetting
from twap_models.fields import parse_duration

Verify = bool | str | os.PathLike[str] | ssl.SSLContext
"""How a server's certificate is checked."""

DEFAULT_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """A sign-in: an access token, and the refresh token that renews it once.

    Attributes:
        expires_at: when the access token ends, in seconds since the Unix epoch.
        expires_in: seconds it was given for, when just signed in.
        username: whose they are, when known.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: int | None = None
    expires_in: int | None = None
    username: str = ""

    def __post_init__(self) -> None:
        if not _fits_header(self.access_token):
            raise InvalidSetting("an access token is printable ASCII without spaces")


class TokenStore(Protocol):
    """Where a sign-in outlives the process. Both calls are short and do not wait for a network."""

    def load(self) -> Tokens | None:
        """Give what is kept, or None."""

    def save(self, tokens: Tokens | None) -> None:
        """Keep ``tokens``; None forgets them. Called at once when a refresh token was replaced."""


class MemoryTokenStore:
    """Keeps the sign-in for as long as the object lives."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self._tokens = tokens

    def load(self) -> Tokens | None:
        """Give what is kept, or None."""
        return self._tokens

    def save(self, tokens: Tokens | None) -> None:
        """Keep ``tokens``; None forgets them."""
        self._tokens = tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfig:
    """Settings of one client. Times may be given as seconds or text (``"500ms"``) too, and are ``timedelta``.

    Attributes:
        base_url: the server, ``http`` or ``https``; a path prefix is kept.
        verify: whose certificates are trusted: those of the system (True), of a file or folder of PEM
            certificates, or as an ``ssl.SSLContext`` says. False trusts any, and whoever stands in between.
        proxy: ``http://HOST:PORT`` or ``socks5://HOST:PORT``, in place of the environment's; empty: none.
            None: as the environment says.
        api_key: sent as ``X-API-Key`` instead of a sign-in.
        connect_timeout: to open a connection, and for the stream to be signed in.
        request_timeout: for one attempt, from connecting to the last byte of the answer.
        attempts: how often a repeatable request is tried in all.
        retry_first: longest wait before the second attempt; doubles from there.
        retry_cap: longest wait between attempts. A server that asks for more is reported instead.
        reconnect_first: longest wait before the stream's second reconnect; doubles from there. The first one
            is tried at once, unless the connection lasted no longer than this.
        reconnect_cap: longest wait between reconnects.
        ping_after: silence after which the stream asks for a pong.
        silence_limit: silence after which the stream's connection counts as lost.
        close_timeout: how long to wait for the other side's goodbye.
        on_wait: told once in a call that has had no answer for two seconds, how many more seconds it may take
            until it is given up.
        tls: what ``verify`` comes to; None: the system's.
        event_capacity: how many order events wait for a slow reader before reading stops. None is dropped.
    """

    base_url: str = DEFAULT_URL
    verify: Verify = field(default=True, repr=False)
    proxy: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    connect_timeout: timedelta = timedelta(seconds=5)
    request_timeout: timedelta = timedelta(seconds=15)
    attempts: int = 4
    retry_first: timedelta = timedelta(milliseconds=200)
    retry_cap: timedelta = timedelta(seconds=5)
    reconnect_first: timedelta = timedelta(milliseconds=500)
    reconnect_cap: timedelta = timedelta(seconds=5)
    ping_after: timedelta = timedelta(seconds=5)
    silence_limit: timedelta = timedelta(seconds=15)
    close_timeout: timedelta = timedelta(milliseconds=500)
    event_capacity: int = 10_000
    tls: ssl.SSLContext | None = field(init=False, default=None, repr=False, compare=False)
    on_wait: Callable[[float], None] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", _checked_url(self.base_url))
        object.__setattr__(self, "api_key", _checked_key(self.api_key))
        object.__setattr__(self, "tls", _tls_of(self.verify))
        for name in _TIMES:
            object.__setattr__(self, name, _checked_time(name, getattr(self, name)))
        for name in ("attempts", "event_capacity"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise InvalidSetting(f"{name}: expected a whole number of at least 1, got {value!r}")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, *, with_key: bool = True) -> Self:
        """Read ``TWAP_SERVER_URL``, ``TWAP_API_KEY``, ``TWAP_TIMEOUT`` and ``TWAP_CONNECT_TIMEOUT``.

        Times are seconds, or text with a unit (``500ms``, ``2m``). Without ``with_key`` the key is not read:
        somebody else is to be signed in.

        Raises:
            InvalidSetting: a variable holds something else.
        """
        env = os.environ if environ is None else environ
        standard = cls()
        return cls(
            base_url=_url(env, "TWAP_SERVER_URL"),
            api_key=(env.get("TWAP_API_KEY") or None) if with_key else None,
            request_timeout=_duration(env, "TWAP_TIMEOUT", standard.request_timeout),
            connect_timeout=_duration(env, "TWAP_CONNECT_TIMEOUT", standard.connect_timeout),
        )

    @property
    def stream_url(self) -> str:
        """The WebSocket's address: ``ws`` for ``http``, ``wss`` for ``https``."""
        return f"ws{self.base_url.removeprefix('http')}/ws"


def _tls_of(verify: Verify) -> ssl.SSLContext | None:
    """Make what TLS is to be checked by.

    Raises:
        InvalidSetting: there are no certificates.
    """
    if verify is True or isinstance(verify, ssl.SSLContext):
        return None if verify is True else verify
    if verify is False:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context
    try:
        path = Path(verify)
        if path.is_dir():
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except (TypeError, OSError) as error:  # an SSLError is an OSError
        why = getattr(error, "strerror", None) or error
        raise InvalidSetting(f"verify: expected a file of PEM certificates, got {verify!r}: {why}") from None


_TIMES = tuple(one.name for one in fields(ClientConfig) if one.type is timedelta)


def _checked_time(name: str, value: Any) -> timedelta:
    """Read a length of time; one that is none would be noticed by the first call only."""
    try:
        length = parse_duration(value)
    except ValueError as error:
        raise InvalidSetting(f"{name}: {error}") from None
    if not length:
        raise InvalidSetting(f"{name}: expected a time above 0, got {value!r}")
    return length


def _url(env: Mapping[str, str], name: str) -> str:
    text = env.get(name)
    if not text:
        return DEFAULT_URL
    try:
        return _checked_url(text)
    except InvalidSetting as error:
        raise InvalidSetting(f"{name}: {error}") from None


def _duration(env: Mapping[str, str], name: str, standard: timedelta) -> timedelta:
    text = env.get(name)
    if not text:
        return standard
    try:
        return parse_duration(text)
    except ValueError as error:
        raise InvalidSetting(f"{name}: {error}") from None


def _checked_key(key: str | None) -> str | None:
    """A key that was read from a file or a variable often has a line's end behind it."""
    if not isinstance(key, str | None):
        raise InvalidSetting(f"api_key: expected text, got {type(key).__name__}")
    bare = (key or "").strip()
    if not _fits_header(bare):
        raise InvalidSetting("the API key (api_key, TWAP_API_KEY) must be printable ASCII without spaces")
    return bare or None


def _fits_header(text: str) -> bool:
    return all("!" <= character <= "~" for character in text)


def _checked_url(url: str) -> str:
    if not isinstance(url, str):
        raise InvalidSetting(f"base_url: expected text such as {DEFAULT_URL}, got {type(url).__name__}")
    url = url.strip()
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.query or parts.fragment:
        raise InvalidSetting(f"expected a server address such as {DEFAULT_URL}, got {url!r}")
    return url.rstrip("/")
