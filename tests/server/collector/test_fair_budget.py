"""Users' requests never keep a book from its snapshot, and equal ones are one request."""

import asyncio
from collections import Counter

import httpx
import pytest

from support.clocks import LoopClock
from twap_server.books.interest import BookInterest, owner_of_order
from twap_server.collector.rate_limit import RateLimiter, RequestPurpose
from twap_server.collector.rest import Rest
from twap_server.collector.short_cache import Kept, ShortCache
from twap_server.domain.clock import SECOND
from twap_server.domain.errors import ExchangeRefuses, ExchangeUnavailable, Throttled
from twap_server.domain.market.instrument import InstrumentId
from twap_server.exchanges.base import HttpRequest
from twap_server.exchanges.base import asked as asking
from twap_server.exchanges.binance.spot import BinanceExchange

pytestmark = pytest.mark.looptime
CANDLES = HttpRequest(path="/klines", weight=40)
SNAPSHOT = HttpRequest(path="/depth", weight=50)


class Budgeted:
    """Spends in the background and notes when each got its turn."""

    def __init__(self, group, amount):
        self.clock = LoopClock()
        self.limiter = RateLimiter(self.clock, amount=amount, window_s=60)
        self.group = group
        self.took = []

    def ask(self, purpose, count, weight=1):
        async def spend():
            await self.limiter.spend(weight, purpose)
            self.took.append((purpose, weight, self.clock.monotonic() // SECOND))

        return [self.group.create_task(spend()) for _ in range(count)]

    def weight(self, purpose, *, until):
        return sum(weight for whose, weight, at in self.took if whose is purpose and at <= until)


async def test_each_purpose_has_a_share_and_the_urgent_come_first():
    async with asyncio.TaskGroup() as group:
        run = Budgeted(group, 100)
        asks = run.ask(RequestPurpose.USERS, 500)
        await asyncio.sleep(1)
        assert run.weight(RequestPurpose.USERS, until=1) == 50
        asks += run.ask(RequestPurpose.BOOKS, 500)
        await asyncio.sleep(1)
        assert run.weight(RequestPurpose.BOOKS, until=2) == 25
        await asyncio.gather(*run.ask(RequestPurpose.URGENT, 5, weight=5))
        assert run.took[-1] == (RequestPurpose.URGENT, 5, 2), "a quarter is left for them"
        late = run.ask(RequestPurpose.URGENT, 1, weight=80)
        await asyncio.gather(*late)
        assert 60 <= run.took[-1][2] <= 63, "the next room is theirs, however many others wait"
        for one in asks:
            one.cancel()
    for at in range(120):
        assert sum(weight for _, weight, when in run.took if at - 60 < when <= at) <= 100


async def test_within_a_purpose_the_first_is_served_first_and_a_cancelled_one_takes_nothing():
    clock, order = LoopClock(), []
    limiter = RateLimiter(clock, amount=4, window_s=1)

    async def spend(number, weight):
        await limiter.spend(weight, RequestPurpose.USERS)
        order.append(number)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(spend(number, weight)) for number, weight in enumerate((2, 2, 1, 1, 9, 1))]
        await asyncio.sleep(0)
        tasks[1].cancel()
    assert order == [0, 2, 3, 4, 5]
    assert clock.monotonic() >= 2 * SECOND, "what is heavier than its share had it alone"


async def test_snapshots_run_while_more_candles_are_asked_for_than_there_is_room():
    asked = Counter()

    async def answer(request):
        asked[request.url.path] += 1
        await asyncio.sleep(0.05)
        return httpx.Response(200, content=b"[]")

    clock, took = LoopClock(), []
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http, asyncio.TaskGroup() as group:
        rest = Rest(BinanceExchange(), clock, http)

        async def crowd():
            while True:
                group.create_task(tolerant(rest.ask(asking(CANDLES, bytes), RequestPurpose.USERS)))
                await asyncio.sleep(0.4)

        load = group.create_task(crowd())
        for _ in range(9):
            await asyncio.sleep(30)
            begun = clock.monotonic()
            await rest.ask(asking(SNAPSHOT, bytes), RequestPurpose.URGENT)
            took.append(clock.monotonic() - begun)
        load.cancel()
    assert max(took) <= 0.1 * SECOND
    assert asked["/klines"] * CANDLES.weight <= 3000 * 5


async def tolerant(coroutine):
    try:
        await coroutine
    except ExchangeUnavailable as error:
        assert error.retry_after > 0


async def test_slow_answers_leave_connections_free_for_what_is_urgent():
    hanging, open_now = asyncio.Event(), Counter()

    async def answer(request):
        open_now[request.url.path] += 1
        if request.url.path != "/depth":
            await hanging.wait()
        return httpx.Response(200, content=b"[]")

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http, asyncio.TaskGroup() as group:
        rest = Rest(BinanceExchange(), LoopClock(), http)
        for _ in range(200):
            group.create_task(tolerant(rest.ask(asking(CANDLES, bytes), RequestPurpose.USERS)))
            group.create_task(
                tolerant(rest.ask(asking(HttpRequest(path="/book"), bytes), RequestPurpose.BOOKS))
            )
        await asyncio.sleep(1)
        await rest.ask(asking(SNAPSHOT, bytes), RequestPurpose.URGENT)
        assert open_now == {"/klines": 8, "/book": 16, "/depth": 1}
        hanging.set()


async def test_who_waited_for_room_asks_nothing_once_the_exchange_wants_silence():
    asked = []

    def answer(request):
        asked.append(request.url.path)
        return httpx.Response(200, content=b"slow down")

    def refuse(_):
        raise Throttled("the exchange asks us to slow down", retry_after=90)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http, asyncio.TaskGroup() as group:
        rest = Rest(BinanceExchange(), LoopClock(), http)
        everything = HttpRequest(path="/list", weight=6000)
        await rest.ask(asking(everything, bytes), RequestPurpose.URGENT)
        waiting = group.create_task(tolerant(rest.ask(asking(SNAPSHOT, bytes), RequestPurpose.URGENT)))
        await asyncio.sleep(59)
        rest.hold_off(5, "slowly, please")
        await waiting
        assert asked == ["/list"]
        await asyncio.sleep(10)
        with pytest.raises(ExchangeRefuses):
            await rest.ask(asking(SNAPSHOT, refuse), RequestPurpose.URGENT)
        rest.hold_off(1, "slowly, please")
        with pytest.raises(ExchangeRefuses, match="binance: the exchange asks us to slow down") as silent:
            await rest.ask(asking(SNAPSHOT, bytes), RequestPurpose.URGENT)
        assert silent.value.retry_after == 90, "a shorter wait does not end a longer one"


def test_books_of_orders_are_told_from_others():
    interest, book = BookInterest(LoopClock()), InstrumentId("binance", "BTC-USDT")
    interest.hold(book, "http:1")
    assert not interest.is_of_an_order(book)
    interest.hold(book, owner_of_order("42"))
    assert interest.is_of_an_order(book)
    assert not interest.is_of_an_order(InstrumentId("kraken", "BTC-USDT"))


class Fetches:
    """Answers with how often it was asked, after a second."""

    def __init__(self, *, size=1, failure=None):
        self.count = 0
        self.size = size
        self.failure = failure

    async def __call__(self):
        self.count += 1
        await asyncio.sleep(1)
        if self.failure is not None:
            raise self.failure
        return Kept(value=self.count, size=self.size, keep=2 * SECOND)


async def test_equal_requests_are_one_and_its_answer_is_kept_for_a_while():
    cache, fetch = ShortCache(LoopClock(), most=10), Fetches()
    assert await asyncio.gather(*(cache.get("a", fetch) for _ in range(50))) == [1] * 50
    await asyncio.sleep(1.9)
    assert await cache.get("a", fetch) == 1
    await asyncio.sleep(0.2)
    assert await cache.get("a", fetch) == 2
    assert await cache.get("b", fetch) == 3


async def test_a_failure_is_shared_by_those_who_waited_and_kept_for_nobody():
    cache, fetch = ShortCache(LoopClock(), most=10), Fetches(failure=ExchangeUnavailable("no"))
    outcomes = await asyncio.gather(*(cache.get("a", fetch) for _ in range(9)), return_exceptions=True)
    assert {type(one) for one in outcomes} == {ExchangeUnavailable}
    assert fetch.count == 1
    fetch.failure = None
    assert await cache.get("a", fetch) == 2


async def test_who_waits_goes_on_where_the_one_who_fetched_has_gone():
    cache, fetch = ShortCache(LoopClock(), most=10), Fetches()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(cache.get("a", fetch))
        others = [group.create_task(cache.get("a", fetch)) for _ in range(3)]
        await asyncio.sleep(0.5)
        first.cancel()
    assert [one.result() for one in others] == [2, 2, 2]


async def test_what_is_kept_is_bounded():
    cache, fetch = ShortCache(LoopClock(), most=10), Fetches(size=4)
    fetches = [await cache.get(key, fetch) for key in "abc"]
    assert fetches == [1, 2, 3]
    assert cache._size <= 10
    assert await cache.get("c", fetch) == 3
    large = Fetches(size=11)
    assert await cache.get("large", large) == 1
    assert await cache.get("large", large) == 2, "too large to be kept"


async def test_what_may_not_be_given_again_is_not_kept():
    cache, fetch = ShortCache(LoopClock(), most=10), Fetches()
    for key in "abc":
        await cache.get(key, fetch)
    assert [*cache._kept] == ["b", "c"], "a is two seconds old"
    await asyncio.sleep(5)
    assert await cache.get("d", fetch) == 4
    assert ([*cache._kept], cache._size) == (["d"], 1)
