"""Serve the sign-in at an OpenID provider, for programs on the user's machine: ``twap login --oidc``."""

import re
from html import escape
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from twap_models.accounts import AccessToken, OidcCode
from twap_models.enums import ErrorCode
from twap_server.api.http.documented import problems
from twap_server.api.http.exact_json import ExactRoute, reply
from twap_server.api.routers.dependencies import ServicesDep, address_of, limited
from twap_server.domain.errors import InvalidRequest, NotPermitted, RequestError

if TYPE_CHECKING:
    from twap_server.api.auth.oidc.flow import OidcSignIn

router = APIRouter(
    prefix="/auth/oidc",
    tags=["accounts"],
    route_class=ExactRoute,
    dependencies=[limited(lambda services: services.oidc_steps)],
)

_LOOPBACK = r"http://(127\.0\.0\.1|\[::1\]):[0-9]{1,5}(/[A-Za-z0-9._~-]*)*"
_COOKIE_LIFE_S = 600
_LAST_PORT = 65_535
_QUIET = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Signed in</title>
<h1>Signed in</h1><p>Paste this code into the terminal where you began, within two minutes:</p>
<p><code>{}</code></p><p>Give it to nobody. If you began no sign-in, close this page.</p></html>
"""


class OidcIsOff(RequestError):
    """The settings name no provider."""

    code = ErrorCode.NOT_FOUND


async def get_oidc(services: ServicesDep) -> object:
    """Give what signs in at the provider.

    Raises:
        OidcIsOff: nothing does.
    """
    if services.auth.oidc is None:
        raise OidcIsOff("no OpenID provider signs in here: sign in with POST /auth/token")
    return services.auth.oidc


OidcDep = Annotated["OidcSignIn", Depends(get_oidc)]


@router.get(
    "/start",
    status_code=302,
    response_class=RedirectResponse,
    responses=problems(403, 404, 422, 429, 503),
)
async def start(
    *,
    request: Request,
    oidc: OidcDep,
    code_challenge: Annotated[
        str, Query(pattern="^[A-Za-z0-9_-]{43}$", description="S256 of the program's secret.")
    ],
    redirect_uri: Annotated[
        str,
        Query(max_length=200, description="The program's loopback; without it the code is shown."),
    ] = "",
    state: Annotated[
        str, Query(pattern="^[A-Za-z0-9_-]{0,128}$", description="Comes back with the code.")
    ] = "",
) -> Response:
    """Send the browser to the OpenID provider; it comes back to ``/auth/oidc/callback``."""
    _check_begun_here(request)
    _check_loopback(redirect_uri)
    back = oidc.callback_at(str(request.base_url))
    address, ours, cookie = await oidc.start(
        challenge=code_challenge, redirect=redirect_uri, state=state, callback=back
    )
    answer = RedirectResponse(address, 302, headers=_QUIET)
    _set_cookie(answer, back, ours, cookie, _COOKIE_LIFE_S)
    return answer


@router.get(
    "/callback",
    status_code=302,
    response_class=RedirectResponse,
    responses={200: {"description": "A page with the code."}, **problems(401, 403, 404, 409, 422, 429, 503)},
)
async def callback(
    *,
    request: Request,
    oidc: OidcDep,
    state: Annotated[str, Query(max_length=128)] = "",
    code: Annotated[str, Query(max_length=4_096)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
    iss: Annotated[str, Query(max_length=512)] = "",
) -> Response:
    """Take the browser back from the OpenID provider: to the program that began, or to a page with a code."""
    address, made = await oidc.come_back(
        state,
        request.cookies.get(_cookie_name(state), ""),
        code=code,
        error=error,
        issuer=iss,
        address=address_of(request),
    )
    answer: Response = RedirectResponse(address, 302, headers=_QUIET) if address else _page(made)
    _set_cookie(answer, oidc.callback_at(str(request.base_url)), state, "", 0)
    return answer


@router.post("/token", response_model=AccessToken, responses=problems(400, 401, 404, 422, 429, 503))
async def redeem(oidc: OidcDep, given: OidcCode) -> Response:
    """Trade the code of a sign-in, once and within two minutes, for an access token and a refresh token."""
    return reply(await oidc.redeem(given.code, given.code_verifier))


def _check_begun_here(request: Request) -> None:
    """A link on a page could begin a sign-in of the reader's, and leave the code with who wrote the page."""
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise NotPermitted(
            "a link on a web page led here, as the browser says (Sec-Fetch-Site): if you began a sign-in "
            "yourself, copy its address into the address line of your browser"
        )


def _check_loopback(address: str) -> None:
    """Nothing but the user's own machine is sent a code: this is no open redirect."""
    if not address:
        return
    port = address.removeprefix("http://[::1]").removeprefix("http://127.0.0.1").partition("/")[0]
    if not re.fullmatch(_LOOPBACK, address) or not 0 < int(port.removeprefix(":")) <= _LAST_PORT:
        raise InvalidRequest(
            "expected http://127.0.0.1:PORT/ or http://[::1]:PORT/, where the program listens",
            field="redirect_uri",
        )


def _cookie_name(state: str) -> str:
    return f"twap_oidc_{state[:8]}"


def _set_cookie(answer: Response, back: str, state: str, value: str, life_s: int) -> None:
    """A cookie of this browser and this sign-in, sent to the callback (``back``) alone."""
    parts = urlsplit(back)
    answer.set_cookie(
        _cookie_name(state),
        value,
        max_age=life_s,
        path=parts.path,
        secure=parts.scheme == "https",
        httponly=True,
        samesite="lax",
    )


def _page(code: str) -> Response:
    policy = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
    return HTMLResponse(_PAGE.format(escape(code)), headers=_QUIET | policy)
