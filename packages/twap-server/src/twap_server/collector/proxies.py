"""Send requests to exchanges straight, or through the proxy that the environment names."""

import os
from collections.abc import Iterable
from importlib.util import find_spec
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from twap_models.installing import pip_install
from twap_models.proxies import BadProxy, Proxy, ProxySettings, proxy_for
from twap_server.domain.errors import InvalidRequest


def proxy_of(url: str) -> Proxy | None:
    """Give the proxy that leads to an address; None: straight, as always on this machine.

    Raises:
        InvalidRequest: the environment names a proxy that cannot be used; names the variable.
    """
    try:
        return proxy_for(url, _settings())
    except BadProxy as error:
        raise InvalidRequest(str(error), field="environment") from None


def place_of(url: str) -> str:
    """Name an address for messages: host and port, and the proxy that leads there."""
    proxy = proxy_of(url)
    return urlsplit(url).netloc + ("" if proxy is None else f" through the proxy {proxy}")


def _settings() -> ProxySettings:
    has_socks = find_spec("socksio") and find_spec("python_socks")
    return ProxySettings(
        proxies=getproxies(),
        bypass=proxy_bypass,
        variables=os.environ,
        lacks_socks="" if has_socks else pip_install("server", "socks"),
    )


def check_proxies(urls: Iterable[str]) -> None:
    """Look at the start whether every address has a way.

    Raises:
        InvalidRequest: see ``proxy_of``.
    """
    for url in urls:
        proxy_of(url)


class ProxyTransport(httpx.AsyncBaseTransport):
    """Sends each request its way; connections are kept for each way."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._transports: dict[str | None, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises what httpx raises."""
        proxy = proxy_of(str(request.url))
        key = None if proxy is None else proxy.url
        if key not in self._transports:
            self._transports[key] = httpx.AsyncHTTPTransport(proxy=key)
        return await self._transports[key].handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._transports.values():
            await transport.aclose()
