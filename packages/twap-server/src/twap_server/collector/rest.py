"""GET requests to one exchange, within its budget and its wishes.

In: requests as values. Out: bodies. The exchange's own words never leave this module.
"""

import asyncio

import httpx

from twap_server.collector.budget import Budget
from twap_server.collector.failures import of_http, of_reach
from twap_server.collector.ways import place_of
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import ExchangeRefuses, ExchangeUnavailable, TwapError, UnknownSymbol
from twap_server.domain.refusal import WORDS, RefusalKind
from twap_server.exchanges.base import Exchange, HttpRequest


class Rest:
    """One exchange's REST interface. Once told to slow down it asks nothing until the time is over."""

    def __init__(self, exchange: Exchange, clock: Clock, http: httpx.AsyncClient) -> None:
        self._exchange = exchange
        self._base = exchange.rest_url
        self._clock = clock
        self._http = http
        self._budget = Budget(clock, amount=exchange.limits.rest_weight_per_minute, window_s=60)
        self._silent_until = Nanos(0)
        self._silent_because = ""

    async def get(self, request: HttpRequest, *, within_s: int | None = None) -> bytes:
        """Fetch one body.

        Args:
            request: what to ask.
            within_s: longest wait for room in the budget; None waits its turn.

        Raises:
            UnknownSymbol: the exchange says that there is no such symbol.
            ExchangeRefuses: it will not serve us until a moment; until then nothing is asked.
            ExchangeUnavailable: unreachable, or its answer cannot be used.
        """
        self._check_silence()
        try:
            async with asyncio.timeout(within_s):
                await self._budget.spend(request.weight)
        except TimeoutError:
            raise ExchangeUnavailable("more is asked for than it allows us", retry_after=30) from None
        try:
            response = await self._http.get(self._base + request.path, params=dict(request.params))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ExchangeUnavailable(self._why_unreached(error)) from None
        if response.status_code == httpx.codes.OK:
            return response.content
        raise self._failure(response)

    @property
    def refusal(self) -> ExchangeRefuses | None:
        """Why nothing is asked now; None when it may be."""
        left = self._silent_until - self._clock.monotonic()
        if not self._silent_until or left <= 0:
            return None
        until = Nanos(self._clock.now() + left)
        return ExchangeRefuses(self._silent_because, retry_after=-(-left // SECOND), until=until)

    def hold_off(self, seconds: int, because: str) -> None:
        """Ask nothing for so long, and say why to whoever would."""
        self._silent_until = Nanos(self._clock.monotonic() + seconds * SECOND)
        self._silent_because = because

    def _check_silence(self) -> None:
        refusal = self.refusal
        if refusal is not None:
            raise refusal

    def _failure(self, response: httpx.Response) -> TwapError:
        refusal = self._exchange.refusal(response.status_code, response.content)
        if refusal.kind is RefusalKind.UNKNOWN_SYMBOL:
            return UnknownSymbol(WORDS[refusal.kind])
        failure = of_http(
            response.status_code,
            retry_after=response.headers.get("Retry-After", ""),
            refusal=refusal,
            now=self._clock.now(),
        )
        if failure.wait_s:
            self.hold_off(failure.wait_s, failure.words)
        if failure.is_barred and (barred := self.refusal) is not None:
            return barred
        return ExchangeUnavailable(failure.words, retry_after=failure.wait_s or 5)

    def _why_unreached(self, error: Exception) -> str:
        place = place_of(self._base)
        if isinstance(error, httpx.TimeoutException):
            return f"{place} does not answer"
        return of_reach(error, place)
