"""Sign in at the server's OpenID provider: the address for a browser, and the code it brings back."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from twap_client._transport.calls import Timeout
from twap_client._transport.sign_in import SignIn
from twap_client.config import Tokens
from twap_client.errors import NotAuthenticated, error_class

_STATUS = {
    "not_permitted": 403,
    "username_taken": 409,
    "rate_limited": 429,
    "unavailable": 503,
    "storage_unavailable": 503,
    "busy": 503,
}
"""Of codes that a browser brings back; any other means: not signed in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcLogin:
    """A sign-in that was begun.

    Attributes:
        url: what to open in a browser.
        verifier: the secret behind it: whoever has it and the code is signed in.
    """

    url: str
    verifier: str = field(repr=False)


def begin(base_url: str, *, redirect_uri: str = "", state: str = "") -> OidcLogin:
    """Begin a sign-in; without a place to go back to, the browser shows a code to be pasted."""
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {"code_challenge": challenge} | ({"redirect_uri": redirect_uri} if redirect_uri else {})
    asked |= {"state": state} if state else {}
    return OidcLogin(url=f"{base_url.rstrip('/')}/auth/oidc/start?{urlencode(asked)}", verifier=verifier)


def code_of(answer: Mapping[str, str]) -> str:
    """The code in what a browser brought back.

    Raises:
        ApiError: the server refused; says why.
    """
    if "code" in answer:
        return answer["code"]
    code = answer.get("error", "not_authenticated")
    status = _STATUS.get(code, 401)
    message = answer.get("error_description") or "the browser came back without a sign-in"
    raise error_class(status)(message, status=status, code=code)


async def finish(sign_in: SignIn, login: OidcLogin, code: str, timeout: Timeout = None) -> Tokens:
    """Trade the code for tokens, and keep them.

    Raises:
        NotAuthenticated: the code is not valid, or is of another sign-in.
    """
    body = {"code": code.strip(), "code_verifier": login.verifier}
    if not body["code"] or len(body["code"]) > 128:
        raise NotAuthenticated("that is no code of a sign-in", status=401, code="not_authenticated")
    return sign_in.adopt(await sign_in.ask("/auth/oidc/token", timeout, json=body))
