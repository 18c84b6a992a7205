"""Accounts and tokens."""

from pydantic import Field, SecretStr

from twap_models.base import RequestModel, ResponseModel
from twap_models.fields import UtcDatetime


class Credentials(RequestModel):
    """A name and a password, for registration."""

    username: str = Field(min_length=3, max_length=64, pattern=r"^[A-Za-z0-9._@-]+$", examples=["ada"])
    password: SecretStr = Field(min_length=8, max_length=256)


class Account(ResponseModel):
    """Who is signed in."""

    username: str
    created: UtcDatetime


class AccessToken(ResponseModel):
    """OAuth2 token answer: 15 minutes of access, and a refresh token that is used once."""

    access_token: str
    token_type: str = "bearer"
    expires_in: int = Field(description="Seconds.")
    refresh_token: str | None = None


class RefreshRequest(RequestModel):
    """What logout takes (refresh itself is an OAuth2 form)."""

    refresh_token: str = Field(min_length=1, max_length=512)
