"""Check the host and the origin of a request, against DNS rebinding and requests from foreign pages.

For a browser, a page whose name was made to point here (DNS rebinding) is ours; the name in ``Host``
gives it away. An address in numbers cannot be made to point elsewhere, and is always taken. Names are checked
where ``api.allowed_hosts`` lists them. Without that list they are checked on connections that never left this
machine, unless a trusted proxy made them: who can be reached from outside is no better hidden from a page.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from twap_models.enums import ErrorCode
from twap_server.api.config import ApiConfig
from twap_server.api.http.behind_proxy import FROM_PROXY, path_of
from twap_server.api.http.problems import problem

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,255})(:[0-9]{0,5})?", re.ASCII)
"""A name or an address, and perhaps a port."""
_Refusal = tuple[int, ErrorCode, str]


class Hosts:
    """Plain ASGI: refuses what is not meant for us, streams too."""

    def __init__(self, app: ASGIApp, *, config: ApiConfig) -> None:
        """Wrap ``app``."""
        self._app = app
        self._allowed = tuple(name.lower().rstrip(".") for name in config.allowed_hosts)
        self._origins = config.allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or stream."""
        refusal = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status, code, detail = refusal
        answer = problem(HTTPConnection(scope), code, detail, status=status)
        if scope["type"] == "http":
            await answer(scope, receive, send)
        else:
            await WebSocket(scope, receive, send).send_denial_response(answer)

    def _refusal(self, scope: Scope) -> _Refusal | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) > 1 or (not hosts and scope.get("http_version") != "1.0"):
            return 400, ErrorCode.INVALID_REQUEST, f"expected one Host header, got {len(hosts)}"
        if hosts and not _HOST.fullmatch(hosts[0]):
            return (
                400,
                ErrorCode.INVALID_REQUEST,
                f"expected a name or an address in Host, got {hosts[0][:80]!r}",
            )
        if hosts and not self._is_ours(_name_in(hosts[0]), scope):
            return 421, ErrorCode.INVALID_REQUEST, _not_ours(_name_in(hosts[0]))
        if _is_foreign(scope, headers) and headers.get("origin") not in self._origins:
            return 403, ErrorCode.NOT_PERMITTED, _FOREIGN
        return None

    def _is_ours(self, name: str, scope: Scope) -> bool:
        if _is_address(name) or _is_listed(name, self._allowed):
            return True
        if _is_inside(scope):
            is_proxied: bool = scope.get("state", {}).get(FROM_PROXY, False)
            return _is_local(name) or (is_proxied and not self._allowed)
        return not self._allowed


_FOREIGN = (
    "a web page of another site sent this, as the browser says (Sec-Fetch-Site): if it may, name its origin "
    "in the setting api.allowed_origins, such as https://desk.example.com"
)


def _not_ours(name: str) -> str:
    return (
        f"this server does not go by the name {name[:80]!r}: use an address in numbers, or name it in the "
        "setting api.allowed_hosts; behind a proxy on the same machine, name that in api.trusted_proxies"
    )


def _is_foreign(scope: Scope, headers: Headers) -> bool:
    """Whether a page of another site sent what only our own pages and programs should.

    A link may lead here: it carries no body and no credential but its own. So does the way back from an
    OpenID provider.
    """
    if headers.get("sec-fetch-site") != "cross-site":
        return False
    if scope.get("method") == "GET" and headers.get("sec-fetch-mode") == "navigate":
        return False
    return scope["type"] == "websocket" or path_of(scope).startswith("/auth/")


def _name_in(host: str) -> str:
    """``Host`` without its port, brackets and last dot."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.lower().rstrip(".")


def _is_address(name: str) -> bool:
    return _read(name) is not None


@lru_cache(maxsize=1_024)
def _read(text: str) -> IPv4Address | IPv6Address | None:
    """An address in numbers, or nothing; ``::ffff:127.0.0.1`` is ``127.0.0.1``. Remembered: they are few."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_listed(name: str, allowed: Sequence[str]) -> bool:
    endings = tuple(one[1:] for one in allowed if one.startswith("*."))
    return "*" in allowed or name in allowed or name.endswith(endings)


def _is_local(name: str) -> bool:
    """``localhost`` and names without a dot: nobody outside can make those point here."""
    return "." not in name or name.endswith(".localhost")


def _is_inside(scope: Scope) -> bool:
    """Whether the connection came to a loopback address of ours."""
    server = scope.get("server")
    address = _read(server[0]) if server else None
    return address is not None and address.is_loopback
