"""What routes ask for, as annotated aliases."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, params
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer
from fastapi.security.utils import get_authorization_scheme_param

from twap_server.api.access import Caller
from twap_server.api.parts import Services
from twap_server.api.rate_limits import RateLimit, site_of
from twap_server.api.tokens import REFUSED
from twap_server.domain.errors import NotAuthenticated, NotPermitted

_bearer = OAuth2PasswordBearer(
    tokenUrl="auth/token", refreshUrl="auth/refresh", auto_error=False, description="User name and password."
)
_key = APIKeyHeader(name="X-API-Key", auto_error=False, description="A key made with POST /auth/keys.")

_TOO_MANY = "too many requests from your address: wait as long as Retry-After says, or ask for more at a time"


async def get_services(request: Request) -> Services:
    """Give what the app was built with. Async, or each request would go through a thread for it."""
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(get_services)]


BearerDep = Annotated[str | None, Depends(_bearer)]


async def identify(services: Services, credential: str | None) -> Caller:
    """Say who holds this access token or API key.

    Raises:
        NotAuthenticated: always in the same words.
    """
    if not credential:
        raise NotAuthenticated(REFUSED)
    return await services.access.identify(credential)


def credential_of(request: Request) -> str | None:
    """The access token or API key that a request carries, as ``get_caller`` would be given it."""
    scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
    return (token if scheme.lower() == "bearer" else None) or request.headers.get("X-API-Key")


async def get_caller(
    services: ServicesDep, bearer: BearerDep, key: Annotated[str | None, Depends(_key)]
) -> Caller:
    """Say who is calling, by access token or API key.

    Raises:
        NotAuthenticated: always in the same words.
    """
    return await identify(services, bearer or key)


def limited(limit_of: Callable[[Services], RateLimit]) -> params.Depends:
    """Count a call by the address it comes from, before anything is done for it.

    A route so marked raises TooManyAttempts, with the seconds to wait.
    """

    async def count(request: Request, services: ServicesDep) -> None:
        await limit_of(services).require(site_of(address_of(request)), _TOO_MANY)

    return params.Depends(count)


CallerDep = Annotated[Caller, Depends(get_caller)]


async def get_signed_in(caller: CallerDep) -> Caller:
    """Say who is calling, where an API key is not enough: it could otherwise outlive its own end.

    Raises:
        NotAuthenticated: always in the same words.
        NotPermitted: the caller came with an API key.
    """
    if not caller.has_signed_in:
        raise NotPermitted(
            "an API key cannot manage API keys, sign-ins or the password: sign in with POST /auth/token and "
            "send its access token as Authorization: Bearer"
        )
    return caller


SignedInDep = Annotated[Caller, Depends(get_signed_in)]


def address_of(request: Request) -> str:
    """Where the request came from; empty where the server cannot tell."""
    return request.client.host if request.client else ""
