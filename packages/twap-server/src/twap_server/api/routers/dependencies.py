"""Declare the FastAPI dependencies that routes share."""

from collections.abc import Callable, Sequence
from typing import Annotated, get_args

from fastapi import Depends, Query, Request, Security, params
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer, SecurityScopes
from fastapi.security.utils import get_authorization_scheme_param

from twap_models.enums import Scope
from twap_server.api.auth.access import ACCOUNT, Caller, permit
from twap_server.api.auth.tokens import REFUSED
from twap_server.api.book_quota import Reader
from twap_server.api.http.attended import SIGNED_IN
from twap_server.api.http.rate_limits import RateLimit, site_of
from twap_server.api.services import Services
from twap_server.domain.errors import NotAuthenticated, NotPermitted, TwapError

_SCOPES = {
    Scope.READ.value: "Look at orders, preview them, follow them on the stream.",
    Scope.TRADE.value: "Submit and change orders.",
    ACCOUNT: "Manage API keys, sign-ins and the password: no API key can.",
}
_bearer = OAuth2PasswordBearer(
    tokenUrl="auth/token",
    refreshUrl="auth/refresh",
    auto_error=False,
    scopes=_SCOPES,
    description="User name and password: every scope.",
)
_key = APIKeyHeader(
    name="X-API-Key",
    auto_error=False,
    description="A key made with POST /auth/keys: the scopes it was made with.",
)

_TOO_MANY = "too many requests from your address: wait as long as Retry-After says, or ask for more at a time"


async def get_services(request: Request) -> Services:
    """Give what the app was built with. Async, or each request would go through a thread for it."""
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(get_services)]


BearerDep = Annotated[str | None, Depends(_bearer)]


async def identify(request: Request, services: Services, credential: str | None) -> Caller:
    """Say who holds this access token or API key; the connection of the request counts as known from then on.

    Raises:
        NotAuthenticated: always in the same words.
    """
    if not credential:
        raise NotAuthenticated(REFUSED)
    caller = await services.auth.access.identify(credential)
    tell: Callable[[], None] | None = request.scope.get("state", {}).get(SIGNED_IN)
    if tell is not None:
        tell()
    return caller


def credential_of(request: Request) -> str | None:
    """The access token or API key that a request carries, as ``get_caller`` would be given it."""
    scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
    return (token if scheme.lower() == "bearer" else None) or request.headers.get("X-API-Key")


async def get_caller(
    needed: SecurityScopes,
    request: Request,
    services: ServicesDep,
    bearer: BearerDep,
    key: Annotated[str | None, Depends(_key)],
) -> Caller:
    """Say who is calling, by access token or API key, where they may do what the route needs.

    Raises:
        NotAuthenticated: always in the same words.
        NotPermitted: the API key lacks the scope that the route needs.
    """
    caller = await identify(request, services, bearer or key)
    for scope in needed.scopes:
        permit(caller, scope)
    return caller


def scopes_of(annotation: object) -> Sequence[str]:
    """The scopes that a parameter of a route asks for, such as ``ReaderDep``."""
    return [
        scope
        for mark in get_args(annotation)
        if isinstance(mark, params.Security)
        for scope in mark.scopes or ()
    ]


async def get_book_reader(request: Request, services: ServicesDep) -> Reader:
    """Say who asks for books, on a route that needs no sign-in: the user, else the address."""
    try:
        caller = await identify(request, services, credential_of(request))
    except TwapError:
        return Reader(site_of(address_of(request)), anonymous=True)
    return Reader(caller.user_id, anonymous=False)


BookReaderDep = Annotated[Reader, Depends(get_book_reader)]


_WHOSE = "own=true shows what you took of the book: sign in (Authorization: Bearer, or X-API-Key)"


async def get_book_owner(
    request: Request,
    services: ServicesDep,
    own: Annotated[bool, Query(description="Also what you took of these levels; needs a sign-in.")] = False,
) -> Reader | None:
    """Say whose own impact is asked for; None where nobody's is.

    Raises:
        NotAuthenticated: it is asked for without a sign-in.
        NotPermitted: the API key may not read.
    """
    if not own:
        return None
    credential = credential_of(request)
    if not credential:
        raise NotAuthenticated(_WHOSE)
    caller = await identify(request, services, credential)
    permit(caller, Scope.READ)
    return Reader(caller.user_id, anonymous=False)


BookOwnerDep = Annotated[Reader | None, Depends(get_book_owner)]


def limited(limit_of: Callable[[Services], RateLimit]) -> params.Depends:
    """Count a call by the address it comes from, before anything is done for it.

    A route so marked raises TooManyAttempts, with the seconds to wait.
    """

    async def count(request: Request, services: ServicesDep) -> None:
        await limit_of(services).require(site_of(address_of(request)), _TOO_MANY)

    return params.Depends(count)


ReaderDep = Annotated[Caller, Security(get_caller, scopes=[Scope.READ.value])]
"""Who may look at what is theirs."""

TraderDep = Annotated[Caller, Security(get_caller, scopes=[Scope.TRADE.value])]
"""Who may submit and change orders."""

SignedInDep = Annotated[Caller, Security(get_caller, scopes=[ACCOUNT])]
"""Who signed in, where an API key is not enough: it could otherwise outlive its own end."""


async def get_admin(services: ServicesDep, caller: SignedInDep) -> Caller:
    """Say which administrator is calling.

    Raises:
        NotAuthenticated: always in the same words.
        NotPermitted: the caller came with an API key, or is no administrator.
    """
    if not (await services.auth.sign_in.account(caller)).is_admin:
        raise NotPermitted("only an administrator of this server may do that")
    return caller


AdminDep = Annotated[Caller, Depends(get_admin)]


def address_of(request: Request) -> str:
    """Where the request came from; empty where the server cannot tell."""
    return request.client.host if request.client else ""
