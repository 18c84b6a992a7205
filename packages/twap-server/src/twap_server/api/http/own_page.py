"""Tell our own page's requests from other pages', and keep its sign-in in a cookie.

A browser sends cookies along whichever page asks. So what counts by its cookie alone must come from our own
page: ``Sec-Fetch-Site`` says so, which no page can set; browsers that do not send it say ``Origin``. Pages of
``api.allowed_origins`` are not ours: they bring their own access token.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from fastapi import Request, Response

from twap_server.domain.errors import NotAuthenticated, NotPermitted

COOKIE = "twap_refresh"
_PORTS = {"http": 80, "https": 443}
_FOREIGN = (
    "only this server's own page signs in by cookie, and the browser does not say (Sec-Fetch-Site, or else "
    "Origin) that it sent this: programs use POST /auth/token; behind a proxy that ends TLS, name it in the "
    "setting api.trusted_proxies and let it pass on Host"
)


class BrowserSignInEnded(NotAuthenticated):
    """The cookie names no sign-in that counts; the answer takes it away."""

    def __init__(self, message: str, *, cookie: str) -> None:
        super().__init__(message)
        self.cookie = cookie
        """The header ``Set-Cookie``."""


async def require_own_page(request: Request) -> None:
    """Let nothing pass but what our own page sends.

    Raises:
        NotPermitted: another page sent it, or nobody says who did.
    """
    if not is_of_own_page(request):
        raise NotPermitted(_FOREIGN)


def is_of_own_page(request: Request) -> bool:
    """Whether the browser says so: scheme, name and port are those that were asked for."""
    told = request.headers.getlist("sec-fetch-site")
    if told:
        return told == ["same-origin"]
    origins = request.headers.getlist("origin")
    ours = _place(_address_of(request))
    return len(origins) == 1 and ours is not None and _place(_split(origins[0])) == ours


def cookie_of(request: Request) -> str:
    """The refresh token that the browser brought; empty: none."""
    return request.cookies.get(COOKIE, "")


def set_cookie(answer: Response, request: Request, value: str, life_s: int) -> None:
    """Give the browser the token that it brings next time, to these routes alone; ``life_s`` 0: none.

    Without TLS only a browser on this machine keeps it: elsewhere others could read it on its way.
    """
    answer.set_cookie(
        COOKIE,
        value,
        max_age=life_s,
        path=f"{request.scope.get('root_path', '')}/auth/browser",
        secure=not _stays_on_this_machine(request),
        httponly=True,
        samesite="strict",
    )


@contextmanager
def cookie_taken_away(request: Request) -> Iterator[None]:
    """Where the sign-in turns out to be over, the refusal takes the cookie with it.

    Raises:
        BrowserSignInEnded: in the place of NotAuthenticated.
    """
    try:
        yield
    except NotAuthenticated as error:
        gone = Response()
        set_cookie(gone, request, "", 0)
        raise BrowserSignInEnded(str(error), cookie=gone.headers["set-cookie"]) from None


def _stays_on_this_machine(request: Request) -> bool:
    asked = _address_of(request)
    name = (asked.hostname or "") if asked else ""
    return request.url.scheme == "http" and (
        name == "localhost" or name.endswith(".localhost") or _is_loopback(name)
    )


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _address_of(request: Request) -> SplitResult | None:
    return _split(f"{request.url.scheme}://{request.headers.get('host', '')}")


def _split(address: str) -> SplitResult | None:
    try:
        return urlsplit(address)
    except ValueError:  # no address at all
        return None


def _place(parts: SplitResult | None) -> tuple[str, str, int] | None:
    """Scheme, name and port; nothing where one is missing, as in ``null``."""
    try:
        port = parts.port if parts else None
    except ValueError:
        return None
    if parts is None or not parts.hostname or parts.scheme not in _PORTS:
        return None
    return parts.scheme, parts.hostname, _PORTS[parts.scheme] if port is None else port
