"""Serve the sign-in of our own page: the access token in the answer, the refresh token in a cookie.

The same sign-ins as ``/auth/token`` makes, with the same rotation, waits and ends; only who keeps the refresh
token differs: the browser, out of reach of scripts.
"""

from fastapi import APIRouter, Depends, Request, Response

from twap_models.accounts import AccessToken, BrowserSignIn, PasswordSignIn
from twap_server.api.http.documented import problems, with_headers
from twap_server.api.http.exact_json import ExactRoute, reply
from twap_server.api.http.own_page import cookie_of, cookie_taken_away, require_own_page, set_cookie
from twap_server.api.routers.dependencies import ServicesDep, address_of
from twap_server.api.services import Services

router = APIRouter(
    prefix="/auth/browser",
    tags=["accounts"],
    route_class=ExactRoute,
    dependencies=[Depends(require_own_page)],
)


@router.post(
    "/sign-in",
    response_model=BrowserSignIn,
    responses=with_headers(200, "Set-Cookie") | problems(400, 401, 403, 422, 429, 503),
)
async def sign_in(request: Request, services: ServicesDep, given: PasswordSignIn) -> Response:
    """Sign in on the server's own page: the browser keeps the refresh token, in a cookie for these routes."""
    token = await services.auth.sign_in.with_password(
        given.username, given.password.get_secret_value(), address=address_of(request)
    )
    before = cookie_of(request)
    if before:  # nobody could end it any more: its cookie is replaced
        await services.auth.sign_in.log_out_with(before)
    return await _answer(request, services, token)


@router.post(
    "/refresh",
    response_model=BrowserSignIn,
    responses=with_headers(200, "Set-Cookie") | {204: {"description": "No cookie"}} | problems(401, 403, 503),
)
async def refresh(request: Request, services: ServicesDep) -> Response:
    """Trade the cookie for its successor and an access token; each counts once, as with ``/auth/refresh``.

    204: there is no cookie, so nobody is signed in here. A page asks at its start, and a refusal would stand
    in the browser's console as an error for every visitor.
    """
    given = cookie_of(request)
    if not given:
        return Response(status_code=204)
    with cookie_taken_away(request):
        return await _answer(request, services, await services.auth.sign_in.refresh(given))


@router.post("/log-out", status_code=204, responses=with_headers(204, "Set-Cookie") | problems(403, 503))
async def log_out(request: Request, services: ServicesDep) -> Response:
    """End the sign-in of the cookie, if it has one, and take the cookie away."""
    given = cookie_of(request)
    if given:
        await services.auth.sign_in.log_out_with(given)
    answer = Response(status_code=204)
    set_cookie(answer, request, "", 0)
    return answer


async def _answer(request: Request, services: Services, token: AccessToken) -> Response:
    caller = await services.auth.access.identify(token.access_token)
    told = BrowserSignIn(
        access_token=token.access_token,
        expires_in=token.expires_in,
        username=await services.auth.sign_in.username(caller),
    )
    answer = reply(told)
    life = services.config.tokens.refresh_lifetime
    set_cookie(answer, request, token.refresh_token or "", int(life.total_seconds()))
    return answer
