"""Send requests to the OpenID provider: with a deadline, a size limit for answers, and no redirects."""

import asyncio
import json
import ssl
from typing import Any

import httpx

from twap_server.collector.proxies import proxy_of
from twap_server.domain.errors import UnavailableError

_MOST_BYTES = 262_144
_HEADERS = httpx.Headers((("Accept", "application/json"), ("Accept-Encoding", "identity")))


class ProviderUnavailable(UnavailableError):
    """The OpenID provider gave no answer that can be used: try again later."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the OpenID provider cannot be used at the moment: {why}; try again later")


class Outbound:
    """Asks for JSON objects."""

    def __init__(self, timeout_s: float) -> None:
        """Args: timeout_s, for a whole answer."""
        self._timeout_s = timeout_s
        self._tls: ssl.SSLContext | None = None

    async def get(self, url: str) -> dict[str, Any]:
        """Fetch an object.

        Raises:
            ProviderUnavailable: there is none; the message says why.
        """
        status, found = await self._ask("GET", url)
        if status != 200:
            raise ProviderUnavailable(f"it answered {status} where {url[:200]} was expected")
        return found

    async def post(
        self, url: str, form: dict[str, str], auth: tuple[str, str] | None
    ) -> tuple[int, dict[str, Any]]:
        """Post a form; gives the status, below 500, and the object.

        Raises:
            ProviderUnavailable: there is none.
        """
        return await self._ask("POST", url, data=form, auth=auth)

    async def _ask(self, method: str, url: str, **content: Any) -> tuple[int, dict[str, Any]]:
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._http(url) as http,
                http.stream(method, url, headers=_HEADERS, **content) as answer,
            ):
                body = await _read(answer)
        except TimeoutError:
            raise ProviderUnavailable(f"no answer within {self._timeout_s:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ProviderUnavailable(f"it cannot be reached ({type(error).__name__})") from None
        if answer.status_code >= 500:
            raise ProviderUnavailable(f"it answered {answer.status_code}")
        return answer.status_code, _object(body)

    def _http(self, url: str) -> httpx.AsyncClient:
        self._tls = self._tls or httpx.create_ssl_context()
        proxy = proxy_of(url)
        transport = httpx.AsyncHTTPTransport(verify=self._tls, proxy=proxy.url if proxy else None)
        return httpx.AsyncClient(transport=transport, timeout=self._timeout_s, follow_redirects=False)


async def _read(answer: httpx.Response) -> bytes:
    """Read the bytes as they come, never unpacked: a small answer cannot become a large one."""
    body = bytearray()
    async for part in answer.aiter_raw():
        body += part
        if len(body) > _MOST_BYTES:
            raise ProviderUnavailable(f"its answer is longer than {_MOST_BYTES} bytes")
    return bytes(body)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise ProviderUnavailable("its answer is not JSON") from None
    if not isinstance(found, dict):
        raise ProviderUnavailable("its answer is no JSON object")
    return found
