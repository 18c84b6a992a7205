"""GET requests to one exchange, within its budget and its wishes.

In: requests as values. Out: bodies. The exchange's own words never leave this module.
"""

import asyncio

import httpx

from twap_server.collector.budget import Budget
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import ExchangeUnavailable, UnknownSymbol
from twap_server.exchanges.base import Exchange, HttpRequest

_MAX_RETRY_AFTER_S = 3 * 24 * 3600


class Rest:
    """One exchange's REST interface. Once told to slow down it asks nothing until the time is over."""

    def __init__(self, exchange: Exchange, clock: Clock, http: httpx.AsyncClient) -> None:
        self._base = exchange.rest_url
        self._clock = clock
        self._http = http
        self._budget = Budget(clock, amount=exchange.limits.rest_weight_per_minute, window_s=60)
        self._silent_until = Nanos(0)

    async def get(self, request: HttpRequest, *, within_s: int | None = None) -> bytes:
        """Fetch one body.

        Args:
            request: what to ask.
            within_s: longest wait for room in the budget; None waits its turn.

        Raises:
            UnknownSymbol: the exchange says the request cannot be answered (HTTP 400 or 404).
            ExchangeUnavailable: unreachable, overloaded, or it told us to wait ``retry_after`` seconds.
        """
        self._check_silence()
        try:
            async with asyncio.timeout(within_s):
                await self._budget.spend(request.weight)
        except TimeoutError:
            raise ExchangeUnavailable("more is asked for than it allows us", retry_after=30) from None
        try:
            response = await self._http.get(self._base + request.path, params=dict(request.params))
        except (httpx.HTTPError, httpx.InvalidURL):
            raise ExchangeUnavailable("the exchange cannot be reached") from None
        if response.status_code == httpx.codes.OK:
            return response.content
        raise self._failure(response)

    def hold_off(self, seconds: int) -> None:
        """Ask nothing for so long."""
        self._silent_until = Nanos(self._clock.monotonic() + seconds * SECOND)

    def _check_silence(self) -> None:
        left = self._silent_until - self._clock.monotonic()
        if self._silent_until and left > 0:
            raise ExchangeUnavailable("the exchange asked us to wait", retry_after=-(-left // SECOND))

    def _failure(self, response: httpx.Response) -> Exception:
        status = response.status_code
        if status in (400, 404):
            return UnknownSymbol("the exchange does not know this symbol or interval")
        if status in (403, 418, 429, 451, 503):
            seconds = _retry_after(response, default=60 if status != httpx.codes.SERVICE_UNAVAILABLE else 5)
            self.hold_off(seconds)
            return ExchangeUnavailable(
                f"the exchange refuses to answer for now (HTTP {status})", retry_after=seconds
            )
        return ExchangeUnavailable(f"the exchange failed to answer (HTTP {status})")


def _retry_after(response: httpx.Response, *, default: int) -> int:
    text = response.headers.get("Retry-After", "")
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default
    return min(max(1, seconds), _MAX_RETRY_AFTER_S)
