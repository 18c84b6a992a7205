"""Decide who of the provider's users may sign in here, and how their account is named."""

from collections.abc import Mapping
from typing import Any, TypeGuard

from pydantic import TypeAdapter, ValidationError

from twap_models.accounts import UserName
from twap_server.api.config import OidcConfig
from twap_server.domain.errors import NotPermitted

_NAME: TypeAdapter[str] = TypeAdapter(UserName)
LONGEST_SUBJECT = 255


def is_subject(given: object) -> TypeGuard[str]:
    """Whether a provider may call somebody so: OpenID Connect Core, section 2, has 255 ASCII characters."""
    return (
        isinstance(given, str)
        and 0 < len(given) <= LONGEST_SUBJECT
        and given.isascii()
        and given.isprintable()
    )


def admit(claims: Mapping[str, Any], config: OidcConfig) -> None:
    """Let somebody in, or not.

    Raises:
        NotPermitted: the settings do not let them in; the message says which.
    """
    if config.allowed_domains and not _has_domain(claims, config.allowed_domains):
        raise NotPermitted(
            "only verified e-mail addresses of some domains may sign in here, and yours is none of them "
            "(api.oidc.allowed_domains; the scope email must be asked for)"
        )
    if config.required_claim and not _has_value(claims, config):
        raise NotPermitted(
            f"your claim {config.required_claim!r} does not let you in (api.oidc.required_values)"
        )


def username_of(claims: Mapping[str, Any], config: OidcConfig) -> str:
    """The name of an account to be made for somebody.

    Raises:
        NotPermitted: the claim is no user name.
    """
    try:
        return _NAME.validate_python(claims.get(config.username_claim))
    except ValidationError:
        raise NotPermitted(
            f"your claim {config.username_claim!r} is no user name (3 to 64 of letters, digits, . _ @ -): "
            "whoever runs this server may choose another claim with api.oidc.username_claim"
        ) from None


def _has_domain(claims: Mapping[str, Any], domains: tuple[str, ...]) -> bool:
    email = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(email, str):
        return False
    return email.rpartition("@")[2].casefold() in {domain.casefold() for domain in domains}


def _has_value(claims: Mapping[str, Any], config: OidcConfig) -> bool:
    held = claims.get(config.required_claim)
    values = held if isinstance(held, list) else [held]
    return any(value in config.required_values for value in values if isinstance(value, str))
