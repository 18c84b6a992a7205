"""What routes ask for, as annotated aliases."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer
from fastapi.security.utils import get_authorization_scheme_param

from twap_server.api.access import Caller
from twap_server.api.parts import Services
from twap_server.api.tokens import REFUSED
from twap_server.domain.errors import NotAuthenticated

_bearer = OAuth2PasswordBearer(
    tokenUrl="auth/token", refreshUrl="auth/refresh", auto_error=False, description="User name and password."
)
_key = APIKeyHeader(name="X-API-Key", auto_error=False, description="A key made with POST /auth/keys.")


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


CallerDep = Annotated[Caller, Depends(get_caller)]
