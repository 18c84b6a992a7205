"""Lead conversations with one exchange over REST, within its rate limits, and wait when it says so.

In: conversations, which say what to ask. Out: what they read. The exchange's own words never leave this
module.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from functools import partial
from typing import Generic, NamedTuple, TypeVar

import httpx

from twap_server.collector.allowance import RequestAllowance
from twap_server.collector.failures import MAX_WAIT_S, of_http, of_reach
from twap_server.collector.proxies import place_of
from twap_server.collector.rate_limit import RateLimiter, RequestPurpose
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import (
    ExchangeRefuses,
    ExchangeUnavailable,
    Throttled,
    TwapError,
    UnknownSymbol,
)
from twap_server.domain.market.refusal import WORDS, RefusalKind
from twap_server.exchanges.base import Asking, Exchange, HttpRequest

T = TypeVar("T")

_USERS_WAIT_S = 10
_JSON = {"Content-Type": "application/json"}
_MOST_IN_FLIGHT = {RequestPurpose.BOOKS: 16, RequestPurpose.USERS: 8}
"""However slowly an exchange answers, these leave connections for what is urgent, there and elsewhere."""


class RestAnswer(NamedTuple, Generic[T]):
    """What was read, and the wall time of the first question: it knows nothing of what came later."""

    value: T
    asked_at: Nanos


class Rest:
    """One exchange's REST interface. Once told to slow down it asks nothing until the time is over."""

    def __init__(
        self,
        exchange: Exchange,
        clock: Clock,
        http: httpx.AsyncClient,
        allowance: RequestAllowance | None = None,
    ) -> None:
        """Args: allowance: what was spent and forbidden before; None: nothing was."""
        self._exchange = exchange
        self._clock = clock
        self._http = http
        self._places = {one: asyncio.Semaphore(most) for one, most in _MOST_IN_FLIGHT.items()}
        allowance = allowance or RequestAllowance.of(exchange, clock)
        self._limiters, self._cooldown = allowance.budgets, allowance.cooldown

    async def ask(self, asking: Asking[T], purpose: RequestPurpose) -> RestAnswer[T]:
        """Lead a conversation to its end.

        Args:
            asking: what to ask; what it raises is raised.
            purpose: users' requests wait ten seconds at most, behind all others; those wait for their turn.

        Raises:
            UnknownSymbol: the exchange says that there is no such symbol.
            ExchangeRefuses: it will not serve us until a moment; until then nothing is asked.
            ExchangeUnavailable: unreachable, or its answer cannot be used.
        """
        begun_at: Nanos | None = None
        with self._named():
            try:
                request = next(asking)
                while True:
                    asked_at, body = await self._fetch(request, purpose)
                    begun_at = begun_at or asked_at
                    request = asking.send(body)
            except StopIteration as end:
                return RestAnswer(end.value, begun_at or self._clock.now())
            except Throttled as error:
                self.hold_off(self._seconds_of(error), str(error))
                raise self.refusal or error from None
            finally:
                asking.close()

    async def _fetch(self, request: HttpRequest, purpose: RequestPurpose) -> tuple[Nanos, bytes]:
        self._cooldown.check()
        async with self._room(request, purpose):
            self._cooldown.check()  # it may have been shut while this one waited
            return self._clock.now(), await self._send(request)

    async def _send(self, request: HttpRequest) -> bytes:
        try:
            response = await self._http.request(
                request.method,
                self._exchange.rest_url + request.path,
                params=dict(request.params),
                content=request.body,
                headers=None if request.body is None else _JSON,
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ExchangeUnavailable(self._why_unreached(error)) from None
        if response.status_code == httpx.codes.OK:
            return response.content
        raise self._failure(response)

    @asynccontextmanager
    async def _room(self, request: HttpRequest, purpose: RequestPurpose) -> AsyncIterator[None]:
        """Hold a place among the requests in flight, once the budget has room."""
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(_USERS_WAIT_S if purpose is RequestPurpose.USERS else None):
                    await held.enter_async_context(self._places.get(purpose, nullcontext()))
                    if (limiter := self._limiter_of(request)) is not None:
                        await limiter.spend(request.weight, purpose)
            except TimeoutError:
                raise ExchangeUnavailable("more is asked for than it allows us", retry_after=30) from None
            yield

    def _limiter_of(self, request: HttpRequest) -> RateLimiter | None:
        return self._limiters.get(request.bucket) or self._limiters.get("")

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Say in a failure which exchange it is."""
        try:
            yield
        except ExchangeUnavailable as error:
            error.args = (f"{self._exchange.name}: {error}",)
            raise

    @property
    def refusal(self) -> ExchangeRefuses | None:
        """Why nothing is asked now; None when it may be."""
        return self._cooldown.refusal

    def hold_off(self, seconds: int, because: str) -> None:
        """Ask nothing for so long, and say why to whoever would; what holds longer stays."""
        self._cooldown.shut(seconds, partial(ExchangeRefuses, because))

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

    def _seconds_of(self, told: Throttled) -> int:
        if told.until is None:
            return told.retry_after
        return min(max(1, -(-(told.until - self._clock.now()) // SECOND)), MAX_WAIT_S)

    def _why_unreached(self, error: Exception) -> str:
        place = place_of(self._exchange.rest_url)
        if isinstance(error, httpx.TimeoutException):
            return f"{place} does not answer"
        return of_reach(error, place)
