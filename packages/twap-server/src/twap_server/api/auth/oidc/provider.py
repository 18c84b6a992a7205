"""Read the OpenID provider's addresses and keys, cache them, and check its ID tokens.

An ID token counts if its signature is of one of the provider's keys by an algorithm of the list (never
``none``, never a shared secret), and issuer, audience, times and nonce are as they must be.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from twap_server.api.auth.oidc.outbound import Outbound, ProviderUnavailable
from twap_server.api.config import OidcConfig, is_secure_url
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import NotAuthenticated

log = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_KEEP_NS = 3_600 * SECOND
_ASK_AGAIN_NS = 5 * SECOND
"""After a failure, and for keys that were not found."""
_LEEWAY_S = 60
_MOST_KEYS = 64
_MOST_TOKEN = 65_536
_MOST_NUMBER = 2_048
"""Characters of one number of a key: 12,288 bits of RSA."""
_KEY_TYPES = ("RSA", "EC", "OKP")
T = TypeVar("T")


class IdentityRefused(NotAuthenticated):
    """What the provider or the browser brought does not prove who somebody is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Of the discovery document: what is used here."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    posts_secret: bool
    """The client secret goes into the form: the provider takes no other way."""


class _Cached:
    """One thing of the provider, fetched by one caller at a time and kept; failures too, for a moment."""

    def __init__(self, clock: Clock, patience_s: float) -> None:
        self._clock, self._patience_s = clock, patience_s
        self._lock = asyncio.Lock()
        self._value: Any = None
        self._fetched: Nanos | None = None
        self._failure: tuple[Nanos, ProviderUnavailable] | None = None

    async def get(self, fetch: Callable[[], Awaitable[T]], keep_ns: int = _KEEP_NS) -> T:
        try:
            async with asyncio.timeout(self._patience_s):
                await self._lock.acquire()
        except TimeoutError:
            raise ProviderUnavailable("too many wait for it") from None
        try:
            return await self._current(fetch, keep_ns)
        finally:
            self._lock.release()

    async def _current(self, fetch: Callable[[], Awaitable[T]], keep_ns: int) -> T:
        now = self._clock.monotonic()
        if self._fetched is not None and now - self._fetched < keep_ns:
            value: T = self._value
            return value
        if self._failure and now - self._failure[0] < _ASK_AGAIN_NS:
            raise ProviderUnavailable("it failed a moment ago") from self._failure[1]
        try:
            self._value = fetched = await fetch()
        except ProviderUnavailable as error:
            log.warning("%s", error)
            self._failure = (self._clock.monotonic(), error)
            raise
        self._fetched, self._failure = self._clock.monotonic(), None
        return fetched


class Provider:
    """The one provider of the settings."""

    def __init__(self, config: OidcConfig, clock: Clock) -> None:
        """Ask nothing yet."""
        self._config, self._clock = config, clock
        timeout_s = config.timeout.total_seconds()
        self._outbound = Outbound(timeout_s)
        self._metadata, self._keys = _Cached(clock, timeout_s), _Cached(clock, timeout_s)

    async def metadata(self) -> Metadata:
        """Read the addresses of its endpoints.

        Raises:
            ProviderUnavailable: nobody knows at the moment.
        """
        return await self._metadata.get(self._discover)

    async def redeem(self, code: str, *, verifier: str, nonce: str, callback: str) -> Mapping[str, Any]:
        """Trade a code for an ID token; gives its claims, all checked.

        Raises:
            ProviderUnavailable: it gave no usable answer.
            IdentityRefused: it refused the code, or the token proves nothing.
        """
        metadata = await self.metadata()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
            "code_verifier": verifier,
            "client_id": self._config.client_id,
        }
        secret = self._config.client_secret
        auth = None
        if secret and metadata.posts_secret:
            form["client_secret"] = secret.get_secret_value()
        elif secret:
            auth = quote(self._config.client_id, safe=""), quote(secret.get_secret_value(), safe="")
        status, answer = await self._outbound.post(metadata.token_endpoint, form, auth)
        token = answer.get("id_token")
        if status != 200 or not isinstance(token, str):
            log.warning("the OpenID provider refused a code: %s %.100r", status, answer.get("error"))
            raise IdentityRefused("the OpenID provider refused the code: sign in again")
        return await self._claims(token, answer.get("access_token"), nonce)

    async def _claims(self, token: str, access_token: object, nonce: str) -> Mapping[str, Any]:
        options = {
            "iss": {"essential": True, "value": self._config.issuer},
            "aud": {"essential": True, "value": self._config.client_id},
            "sub": {"essential": True},
            "nonce": {"essential": True, "value": nonce},
        }
        params = {"nonce": nonce, "client_id": self._config.client_id}
        if isinstance(access_token, str):
            params["access_token"] = access_token
        try:
            decoded = await self._decode(token)
            claims = CodeIDToken(decoded.claims, decoded.header, options, params)
            claims.validate(now=self._clock.now() // SECOND, leeway=_LEEWAY_S)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            log.warning("an ID token was refused: %s", type(error).__name__)
            raise IdentityRefused("the ID token of the OpenID provider is not valid: sign in again") from None
        return dict(claims)

    async def _decode(self, token: str) -> jwt.Token:
        if len(token) > _MOST_TOKEN or not token.isascii():
            raise ValueError("no token")
        keys = await self._keys.get(self._fetch_keys)
        try:
            return jwt.decode(token, keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            # The provider may have changed its keys since: ask once more, seldom.
            keys = await self._keys.get(self._fetch_keys, keep_ns=12 * _ASK_AGAIN_NS)
            return jwt.decode(token, keys, algorithms=ALGORITHMS)

    async def _discover(self) -> Metadata:
        issuer = self._config.issuer
        found = await self._outbound.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise ProviderUnavailable(f"it calls itself {str(found.get('issuer'))[:200]!r}, not {issuer!r}")
        methods = found.get("token_endpoint_auth_methods_supported")
        known = methods if isinstance(methods, list) else ["client_secret_basic"]
        return Metadata(
            authorization_endpoint=_address(found, "authorization_endpoint"),
            token_endpoint=_address(found, "token_endpoint"),
            jwks_uri=_address(found, "jwks_uri"),
            posts_secret="client_secret_basic" not in known and "client_secret_post" in known,
        )

    async def _fetch_keys(self) -> KeySet:
        found = await self._outbound.get((await self.metadata()).jwks_uri)
        keys = found.get("keys")
        if not isinstance(keys, list) or len(keys) > _MOST_KEYS:
            raise ProviderUnavailable(f"expected a list of at most {_MOST_KEYS} keys")
        try:
            return KeySet.import_key_set({"keys": _signing(keys)})
        except (JoseError, ValueError, TypeError, KeyError):
            raise ProviderUnavailable("its keys cannot be read") from None


def _signing(keys: Sequence[object]) -> list[Any]:
    """Those that can sign, without numbers so long that a look at one would take a while."""
    return [
        key
        for key in keys
        if isinstance(key, dict)
        and key.get("kty") in _KEY_TYPES
        and key.get("use", "sig") == "sig"
        and all(len(part) <= _MOST_NUMBER for part in key.values() if isinstance(part, str))
    ]


def _address(found: Mapping[str, Any], name: str) -> str:
    """One that nobody on the way can read or change: browsers are sent to one of them, too."""
    address = found.get(name)
    if not isinstance(address, str):
        raise ProviderUnavailable(f"its discovery document names no {name}")
    if not is_secure_url(address):
        raise ProviderUnavailable(f"its {name} {address[:200]!r} is not https")
    return address
