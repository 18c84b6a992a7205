"""Work out the path prefix and the client's address behind a trusted proxy.

Plain ASGI. In: the scope as it arrives. Out: a scope whose ``root_path`` is the prefix and whose ``path``
begins with it, whether the proxy cut it off or not. Forwarding headers of anybody else are ignored: they
would let a caller choose the address that attempts are counted by.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import cast

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*", re.ASCII)
"""What a path prefix may look like; empty: there is none."""
_LONGEST = 256
FROM_PROXY = "twap.from_proxy"
"""The key in a scope's state that says whether a trusted proxy sent it."""


def path_of(scope: Scope) -> str:
    """The path as routes know it: without the prefix."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


class BehindProxy:
    """The outermost layer of the app, where there may be a proxy."""

    def __init__(
        self, app: ASGIApp, *, root_path: str, trusted: Sequence[IPv4Network | IPv6Network] = ()
    ) -> None:
        """Wrap ``app``.

        Args:
            app: what is served.
            root_path: the prefix unless a trusted proxy names another; empty: none.
            trusted: proxies whose ``X-Forwarded-For``, ``-Proto`` and ``-Prefix`` are believed.
        """
        # uvicorn's types of ASGI are its own, and mean the same.
        self._app = cast(ASGIApp, ProxyHeadersMiddleware(app, [str(one) for one in trusted]))  # type: ignore[arg-type]
        self._root_path = root_path
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or stream."""
        if scope["type"] in ("http", "websocket"):
            scope = self._placed({**scope, "client": _plain(scope.get("client"))})
            scope.setdefault("state", {})[FROM_PROXY] = self._trusts(scope.get("client"))
        await self._app(scope, receive, send)

    def _placed(self, scope: Scope) -> Scope:
        told = self._told(scope)
        prefix, path = told or self._root_path, scope["path"]
        if not prefix:
            return scope
        is_whole = not told and (path == prefix or path.startswith(f"{prefix}/"))
        return {**scope, "root_path": prefix, "path": path if is_whole else prefix + path}

    def _told(self, scope: Scope) -> str:
        """The prefix that a trusted proxy says it has cut off."""
        prefix = Headers(scope=scope).get("x-forwarded-prefix", "").rstrip("/")
        is_one = len(prefix) <= _LONGEST and _PREFIX.fullmatch(prefix)
        return prefix if is_one and self._trusts(scope.get("client")) else ""

    def _trusts(self, client: tuple[str, int] | None) -> bool:
        return is_within(client[0] if client else "", self._trusted)


def _plain(client: tuple[str, int] | None) -> tuple[str, int] | None:
    """An IPv4 client of a socket for both kinds, as an IPv4 client."""
    prefix = "::ffff:"
    is_mapped = client is not None and client[0].startswith(prefix) and "." in client[0]
    return (client[0].removeprefix(prefix), client[1]) if client is not None and is_mapped else client


def is_within(host: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether an address lies in one of these networks; what is no address does not."""
    if not networks:
        return False
    try:
        address = ip_address(host.removeprefix("::ffff:") if "." in host else host)
    except ValueError:
        return False
    return any(address in network for network in networks)
