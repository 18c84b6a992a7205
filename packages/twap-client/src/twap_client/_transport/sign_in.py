"""Fetch, renew and keep tokens, and translate the HTTP libraries' exceptions to ours.

Authlib's OAuth2 client renews the access token; any number of calls after its end cause one refresh. It is
imported when a token has to be renewed: that takes longer than most calls.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from twap_client._loop import HomeLoop
from twap_client._proxies import not_reached, proxy_of
from twap_client._transport.calls import Timeout, check_encodable, httpx, read_answer, seconds_of
from twap_client.config import ClientConfig, MemoryTokenStore, Tokens, TokenStore
from twap_client.errors import (
    BadRequest,
    ConnectionLost,
    NotAuthenticated,
    RequestTimedOut,
    ServerError,
)
from twap_models import __version__
from twap_models.accounts import normal_password

_LOGIN = "/auth/token"
_REFRESH = "/auth/refresh"
_LEEWAY_S = 10


class SignIn:
    """The HTTP session of one client, and whose it is.

    Attributes:
        http: what sends requests; they carry no token of their own accord.
        api_key: sent instead of a token, until somebody signs in.
        home: the event loop of its connections.
    """

    def __init__(
        self,
        config: ClientConfig,
        *,
        username: str | None = None,
        password: str | None = None,
        store: TokenStore | None = None,
        home: HomeLoop | None = None,
    ) -> None:
        self._config = config
        self.api_key = config.api_key
        self._owner = username
        self._username = username
        self._password = password
        self._store = store or MemoryTokenStore()
        self._renewing = asyncio.Lock()
        self.home = home or HomeLoop()
        self._proxy = proxy_of(config.base_url, config.proxy)
        self._token: dict[str, Any] | None = None
        self._session = self._session_settings()
        self.http = httpx.AsyncClient(**self._session)
        self._adopt()

    async def aclose(self) -> None:
        """Close the connections."""
        await self.http.aclose()

    async def sign_in(self, username: str, password: str, timeout: Timeout = None) -> Tokens:
        """Exchange a name and a password for tokens, and keep them.

        Raises:
            NotAuthenticated: the name or the password is wrong.
            Unencodable: one of them is no text in UTF-8.
        """
        self.home.check()
        check_encodable(username=username, password=password)
        # Not authlib's own form, which takes ASCII alone: httpx writes UTF-8, percent-encoded.
        form = {"grant_type": "password", "username": username, "password": normal_password(password)}
        return self.adopt(await self.ask(_LOGIN, timeout, data=form), username)

    async def ask(self, path: str, timeout: Timeout = None, **body: Any) -> "httpx.Response":
        """Post a sign-in, within this time or that of the settings.

        Raises:
            TransportError: no answer.
            UsageError: the timeout is none.
        """
        given = seconds_of(timeout)
        seconds = self._config.request_timeout.total_seconds() if given is None else given
        limit = httpx.Timeout(seconds, connect=self._config.connect_timeout.total_seconds())
        with self.translated(seconds):
            async with asyncio.timeout(seconds):
                return await self.http.request("POST", path, timeout=limit, **body)

    def adopt(self, response: "httpx.Response", username: str = "") -> Tokens:
        """Take the tokens of an answer, and keep them.

        Raises:
            NotAuthenticated: it is a refusal.
        """
        self._token = _dated(_granted(response))
        if username != self._username:
            self._password = None  # another user's
        self._username = self._owner = username
        self.api_key = None
        return self._keep()

    def sign_out(self) -> None:
        """Forget the tokens here; the server is told by the caller."""
        self._token = None
        self._password = None
        self._store.save(None)

    @property
    def refresh_token(self) -> str | None:
        """The current refresh token, if any."""
        self._adopt()
        return (self._token or {}).get("refresh_token")

    def seconds_left(self) -> float | None:
        """How long the access token still counts; None: for ever, or nobody knows."""
        self._adopt()
        return None if self.api_key else _seconds_left(self._token or {})

    def note_end(self, access_token: str, ends: datetime | None) -> None:
        """Take note of when a token ends, where that is not known: the server says it."""
        token = self._token
        if ends and token and token["access_token"] == access_token and token.get("expires_at") is None:
            token["expires_at"] = int(ends.timestamp())

    async def access_token(self, refused: str | None = None, *, lasting_s: float = _LEEWAY_S) -> str:
        """Give a token that is valid now, renewing it or signing in as needed.

        Args:
            refused: a token the server has just refused; another one is given, or none.
            lasting_s: how long it must count from now.

        Raises:
            NotAuthenticated: there is no way to get one.
        """
        if self.api_key:
            return _unless_refused(self.api_key, refused)
        if self._token is None or refused is not None or _is_over(self._token, lasting_s):
            await self._renew(refused, lasting_s)
        return str((self._token or {})["access_token"])

    async def _renew(self, refused: str | None, lasting_s: float) -> None:
        async with self._renewing:
            self._adopt()
            token = self._token
            try:
                if token is None:
                    raise _nobody()
                if token["access_token"] == refused or _is_over(token, lasting_s):
                    await self._refresh(token)
            except NotAuthenticated:
                if not (self._username and self._password):
                    raise
                await self.sign_in(self._username, self._password)

    async def _refresh(self, token: Mapping[str, Any]) -> None:
        if not token.get("refresh_token"):
            raise _signed_out()
        from twap_client._transport.oauth import AsyncOAuth2Client, OAuthError  # noqa: PLC0415

        session = AsyncOAuth2Client(**self._session)
        session.register_compliance_hook("refresh_token_response", _checked)
        with self.translated():
            try:
                self._token = await session.refresh_token(_REFRESH, refresh_token=token["refresh_token"])
            except OAuthError as error:
                raise _signed_out() from error
        kept = self._store.load()
        if kept is None or not self._is_foreign(kept):
            self._keep()

    def _session_settings(self) -> dict[str, Any]:
        """What sends requests, and what renews tokens, over the same connections."""
        timeout = self._config.request_timeout.total_seconds()
        return {
            "base_url": self._config.base_url,
            "transport": httpx.AsyncHTTPTransport(
                verify=self._config.tls or True, proxy=None if self._proxy is None else self._proxy.url
            ),
            "timeout": httpx.Timeout(timeout, connect=self._config.connect_timeout.total_seconds()),
            "headers": {"User-Agent": f"twap-client/{__version__}", "Accept": "application/json"},
        }

    def _adopt(self) -> None:
        """Take over what another process renewed: a refresh token works once. Another user's is left."""
        kept = self._store.load()
        current = self._token or {}
        if kept is None or kept.access_token == current.get("access_token") or self._is_foreign(kept):
            return
        self._username = self._owner = kept.username or self._username
        self._token = {
            "access_token": kept.access_token,
            "refresh_token": kept.refresh_token,
            "expires_at": kept.expires_at,
            "token_type": "bearer",
        }

    def _is_foreign(self, kept: Tokens) -> bool:
        """Whether it is the sign-in of somebody else than who this client has been so far."""
        return bool(self._owner) and kept.username != self._owner

    def _keep(self) -> Tokens:
        token = self._token or {}
        tokens = Tokens(
            access_token=token["access_token"],
            refresh_token=token.get("refresh_token"),
            expires_at=token.get("expires_at"),
            expires_in=token.get("expires_in"),
            username=self._username or "",
        )
        self._store.save(tokens)
        return tokens

    @contextmanager
    def translated(self, within_s: float | None = None) -> Iterator[None]:
        """Turn the HTTP libraries' exceptions into ours, which say what theirs know: nothing is chained.

        Args:
            within_s: what the time limit was; absent, that of the settings.
        """
        url = self._config.base_url
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise not_reached(url, error, self._proxy) from None
        except (httpx.TimeoutException, TimeoutError):
            seconds = self._config.request_timeout.total_seconds() if within_s is None else within_s
            raise RequestTimedOut(f"{url} did not answer within {seconds:g} s") from None
        except httpx.TransportError as error:
            raise ConnectionLost(f"the connection to {url} broke: {error or type(error).__name__}") from None


def _dated(granted: dict[str, Any]) -> dict[str, Any]:
    """With its end by our clock: an answer says for how long it counts."""
    lasts = granted.get("expires_in")
    if granted.get("expires_at") is not None or not lasts:
        return granted
    return granted | {"expires_at": int(time.time()) + int(lasts)}  # noqa: TID251


def _seconds_left(token: Mapping[str, Any]) -> float | None:
    ends = token.get("expires_at")
    # By the wall clock, as authlib does it: what is kept between runs has no other.
    return None if ends is None else float(ends) - time.time()  # noqa: TID251


def _is_over(token: Mapping[str, Any], lasting_s: float) -> bool:
    left = _seconds_left(token)
    return left is not None and left < lasting_s


def _checked(response: "httpx.Response") -> "httpx.Response":
    _granted(response)
    return response


def _granted(response: "httpx.Response") -> dict[str, Any]:
    try:
        body = read_answer(response).body
    except BadRequest as error:
        if error.status != 400:
            raise
        # OAuth2's own way to refuse a password or a refresh token is 400 invalid_grant.
        raise NotAuthenticated(str(error), status=401, code="not_authenticated") from error
    if not isinstance(body, dict) or not isinstance(body.get("access_token"), str):
        raise ServerError("the answer holds no access token", status=response.status_code)
    return body


def _unless_refused(key: str, refused: str | None) -> str:
    if key == refused:
        raise NotAuthenticated("the API key was refused", status=401, code="not_authenticated")
    return key


def _signed_out() -> NotAuthenticated:
    return NotAuthenticated("not signed in, or the sign-in has ended", status=401, code="not_authenticated")


def _nobody() -> NotAuthenticated:
    nobody = NotAuthenticated("nobody is signed in", status=401, code="not_authenticated")
    nobody.advice = (
        "give TwapClient username and password, or api_key (or set TWAP_API_KEY), or call accounts.login"
    )
    return nobody
