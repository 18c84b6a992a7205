"""Define accounts, tokens and API keys."""

import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from twap_models.base import RequestModel, ResponseModel
from twap_models.enums import RegistrationMode, Scope
from twap_models.fields import KnownScope, Moment, UtcDatetime, only


def normal_password(text: str) -> str:
    """Give a password's one spelling (NFC): keyboards write ``ü`` as one character or as two."""
    return unicodedata.normalize("NFC", text)


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError("expected text that UTF-8 can write") from None
    return value


_SHORTEST, _LONGEST = 8, 256
"""Characters of a new password."""


def _normal(value: Any) -> Any:
    given = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(_encodable(given), str):
        return value
    text = normal_password(given)
    if len(text) < _SHORTEST:
        raise ValueError(f"expected at least {_SHORTEST} characters, got {len(text)}")
    if len(text) > _LONGEST:
        raise ValueError(f"expected at most {_LONGEST} characters, got {len(text)}")
    return text


UserName = Annotated[
    str,
    Field(
        min_length=3,
        max_length=64,
        json_schema_extra={"pattern": r"^[A-Za-z0-9._@-]+$"},
        examples=["ada"],
    ),
    only(r"[A-Za-z0-9._@-]+", "letters without accents, digits, and . _ @ -"),
]

Password = Annotated[SecretStr, BeforeValidator(_normal), Field(min_length=_SHORTEST, max_length=_LONGEST)]
"""A new password: any text; its length is counted in its normal form."""

GivenPassword = Annotated[SecretStr, BeforeValidator(_encodable), Field(max_length=1_024)]
"""A password that is compared, as it was typed."""


InviteCode = Annotated[
    str, Field(max_length=128, description="Where registration needs one; elsewhere it is not looked at.")
]


class Credentials(RequestModel):
    """A name and a password, for registration, and an invite where the server wants one."""

    username: UserName
    password: Password
    invite: InviteCode | None = Field(default=None, repr=False)


class Account(ResponseModel):
    """Who is signed in."""

    username: str
    created: UtcDatetime
    is_admin: bool = Field(default=False, description="Whether they may invite others.")


class SignInMethods(ResponseModel):
    """How somebody gets in here."""

    registration: RegistrationMode | str
    oidc: bool = Field(default=False, description="Whether an OpenID provider signs in too.")


class OidcCode(RequestModel):
    """A code that a sign-in at an OpenID provider brought back, and the secret of who began it."""

    code: str = Field(min_length=1, max_length=128, repr=False)
    code_verifier: str = Field(repr=False, pattern=r"^[A-Za-z0-9._~-]{43,128}$")


class InviteRequest(RequestModel):
    """What an invite shall be."""

    days: int = Field(default=7, ge=1, le=365, strict=True, description="How long it can be used.")
    note: str = Field(default="", max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["for Grace"])


class Invite(ResponseModel):
    """An invite that waits to be used."""

    invite_id: str
    note: str = ""
    created: UtcDatetime
    expires: UtcDatetime


class NewInvite(Invite):
    """An invite just made."""

    invite: str = Field(repr=False, description="The code, shown this once; it makes one account.")


class AccessToken(ResponseModel):
    """OAuth2 token answer: 15 minutes of access, and a refresh token that is used once."""

    access_token: str = Field(repr=False)
    token_type: str = "bearer"
    expires_in: int = Field(description="Seconds.")
    refresh_token: str | None = Field(default=None, repr=False)


class PasswordSignIn(RequestModel):
    """Who signs in on the server's own page."""

    username: Annotated[str, BeforeValidator(_encodable), Field(min_length=1, max_length=1_024)]
    password: GivenPassword


class BrowserSignIn(ResponseModel):
    """What a page gets: 15 minutes of access. The browser keeps the refresh token, in a cookie."""

    access_token: str = Field(repr=False)
    token_type: str = "bearer"
    expires_in: int = Field(description="Seconds.")
    username: str = Field(description="Who is signed in: with the cookie of several pages, perhaps another.")


class RefreshRequest(RequestModel):
    """What logout takes (refresh itself is an OAuth2 form)."""

    refresh_token: str = Field(min_length=1, max_length=512, repr=False)


class PasswordChange(RequestModel):
    """The password there is, and the one that replaces it."""

    current_password: GivenPassword
    new_password: Password
    end_keys: bool = Field(default=False, description="Let all API keys count no more, too.")


def _each_once(scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    if not scopes:
        raise ValueError(f"expected at least one of {', '.join(Scope)}")
    return tuple(scope for scope in Scope if scope in scopes)


Scopes = Annotated[
    tuple[Scope, ...], Field(max_length=8, json_schema_extra={"minItems": 1}), AfterValidator(_each_once)
]
"""At least one, each once, in their own order."""


class ApiKeyRequest(RequestModel):
    """A new API key: without more words it may read and trade, and counts until it is deleted."""

    name: str = Field(
        default="",
        max_length=64,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="Your own words for it.",
        examples=["my bot"],
    )
    scopes: Scopes = (Scope.READ, Scope.TRADE)
    expires: Moment | None = Field(default=None, description="When it ends by itself; absent: never.")


class ApiKey(ResponseModel):
    """An API key in lists. Where it was used from is not kept."""

    key_id: str
    name: str
    created: UtcDatetime
    scopes: tuple[KnownScope, ...] = (Scope.READ, Scope.TRADE)
    expires: UtcDatetime | None = Field(default=None, description="When it ends, or has ended, by itself.")
    last_used: UtcDatetime | None = Field(default=None, description="To about a minute; null: never.")


class NewApiKey(ApiKey):
    """An API key just made."""

    key: str = Field(repr=False, description="Shown this once. Send it as X-API-Key.")
