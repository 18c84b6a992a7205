"""Make and check access tokens (JWT, only HS256), and make secrets of which only digests are stored.

Every claim is required and compared by the claims registry with our clock: decoding alone ignores ``exp``.
"""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from twap_server.api.config import TokenConfig
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import NotAuthenticated

_ALGORITHMS = ("HS256",)
_TYPE = "access"
_MOST_CHARACTERS = 4_096
KEY_PREFIX = "twap_"
MIN_KEY_BYTES = 32
REFUSED = "sign in: no valid access token or API key was given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a valid access token says."""

    user_id: str
    family_id: str
    """The sign-in it came from; logging out ends them all."""
    expires: Nanos


class Tokens:
    """Issues and reads access tokens."""

    def __init__(self, signing_key: bytes, config: TokenConfig, clock: Clock) -> None:
        """Use this key.

        Raises:
            ValueError: the key is shorter than 32 bytes.
        """
        if len(signing_key) < MIN_KEY_BYTES:
            raise ValueError(f"expected a signing key of at least {MIN_KEY_BYTES} bytes")
        self._secret = signing_key
        self._key = OctKey.import_key(signing_key)
        self._config = config
        self._clock = clock
        self._registry = jwt.JWTClaimsRegistry(
            now=self._now,
            iss={"essential": True, "value": config.issuer},
            aud={"essential": True, "value": config.audience},
            sub={"essential": True},
            iat={"essential": True},
            exp={"essential": True},
            jti={"essential": True},
            sid={"essential": True},
            typ={"essential": True, "value": _TYPE},
        )

    def issue(self, user_id: str, family_id: str) -> str:
        """Write an access token for a user."""
        now = self._now()
        claims = {
            "iss": self._config.issuer,
            "aud": self._config.audience,
            "sub": user_id,
            "sid": family_id,
            "iat": now,
            "exp": now + self.lifetime,
            "jti": secrets.token_urlsafe(12),
            "typ": _TYPE,
        }
        return jwt.encode({"alg": "HS256"}, claims, self._key, algorithms=_ALGORITHMS)

    @property
    def lifetime(self) -> int:
        """Seconds an access token lives."""
        return int(self._config.access_lifetime.total_seconds())

    def read(self, token: str) -> Claims:
        """Check a token and say whose it is.

        Raises:
            NotAuthenticated: whatever is wrong with it, in the same words.
        """
        if len(token) > _MOST_CHARACTERS or not token.isascii():
            raise NotAuthenticated(REFUSED)
        try:
            claims = jwt.decode(token, self._key, algorithms=_ALGORITHMS).claims
            self._registry.validate(claims)
        except (JoseError, ValueError, TypeError, json.JSONDecodeError):
            raise NotAuthenticated(REFUSED) from None
        subject, family = claims["sub"], claims["sid"]
        if not isinstance(subject, str) or not isinstance(family, str):
            raise NotAuthenticated(REFUSED)
        return Claims(user_id=subject, family_id=family, expires=Nanos(int(claims["exp"]) * SECOND))

    def successor(self, refresh_token: str) -> str:
        """The refresh token that follows this one: always the same, so that a race gets one successor."""
        made = hmac.new(self._secret, b"refresh:" + refresh_token.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(made).decode().rstrip("=")

    def _now(self) -> int:
        return self._clock.now() // SECOND


def new_secret() -> str:
    """Make an unguessable text."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
