"""Nobody fills the server with their books: no stranger and no user; and orders always get theirs."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from httpx import ASGITransport, AsyncClient
from hypothesis import given, settings
from hypothesis import strategies as st

from support.api.desk import CHEAP, Desk, build
from support.api.fakes import HandMarket, listed, view
from support.api.live import hear, say, serving
from support.clocks import HandClock
from twap_server.api.app import create_app
from twap_server.api.book_quota import ANONYMOUS, BookQuota, Reader
from twap_server.api.config import ApiConfig
from twap_server.books.interest import BookInterest, Holding, owner_of_order
from twap_server.domain.errors import BookUnavailable
from twap_server.domain.market.instrument import InstrumentId

SMALL = ApiConfig(
    passwords=CHEAP,
    max_books=10,
    max_books_per_user=6,
    max_anonymous_books=4,
    max_anonymous_books_per_address=3,
)
ADA, BOB = (Reader(name, anonymous=False) for name in ("ada", "bob"))
EVE, MALLORY, OSCAR = (Reader(f"192.0.2.{n}", anonymous=True) for n in (1, 2, 3))


class Wanted(Holding, HandMarket):
    """Books of many instruments, wanted and lingering as the real ones."""

    def __init__(self, clock: HandClock) -> None:
        HandMarket.__init__(self)
        Holding.__init__(self, BookInterest(clock))
        for number in range(50):
            self.listed["binance"][f"C{number}-USDT"] = listed("binance", f"C{number}-USDT")
            self.books[InstrumentId("binance", f"C{number}-USDT")] = view()

    @property
    def collected(self) -> set[str]:
        return self.interest.wanted("binance")


class Place:
    """A room over real demand."""

    def __init__(self, config: ApiConfig = SMALL) -> None:
        self.clock = HandClock()
        self.market = Wanted(self.clock)
        self.quota = BookQuota(self.market, self.clock, config)

    @contextmanager
    def reading(self, reader: Reader, number: int) -> Iterator[None]:
        owner = f"{ANONYMOUS if reader.anonymous else 'ws:'}{object()}"
        self.quota.hold(reader, [book(number)], owner)
        yield
        self.quota.release(reader, [book(number)], owner)

    def reads(self, reader: Reader, number: int) -> bool:
        """Look at a book and let it linger."""
        try:
            with self.reading(reader, number):
                return True
        except BookUnavailable:
            return False


def book(number: int) -> InstrumentId:
    return InstrumentId("binance", f"C{number}-USDT")


async def test_an_address_has_so_many_books_within_a_minute() -> None:
    place = Place()
    assert [place.reads(EVE, number) for number in range(5)] == [True] * 3 + [False] * 2
    await place.clock.advance(30)
    assert place.reads(EVE, 0), "one of its own"
    await place.clock.advance(29)
    assert not place.reads(EVE, 3)
    await place.clock.advance(1)
    assert place.reads(EVE, 3)
    assert place.quota.books_of(EVE) == 2, "the one that was looked at again, and the new one"


async def test_books_that_the_settings_name_cost_nobody_anything() -> None:
    place = Place()
    place.market.interest.want_always(book(number) for number in range(20))
    assert all(place.reads(EVE, number) for number in range(20))
    assert [place.reads(EVE, number) for number in range(20, 25)] == [True] * 3 + [False] * 2
    await place.clock.advance(120)
    assert place.market.collected == {f"C{n}-USDT" for n in range(20)}


async def test_addresses_share_what_there_is_for_callers_without_a_sign_in() -> None:
    place = Place()
    assert [place.reads(EVE, number) for number in range(3)] == [True] * 3
    assert [place.reads(MALLORY, number) for number in (10, 11)] == [True] * 2
    assert place.market.collected == {f"C{n}-USDT" for n in (1, 2, 10, 11)}, "the oldest of who has most"
    assert not place.reads(MALLORY, 12), "who has as many puts nobody out"
    assert place.reads(OSCAR, 20)


async def test_books_of_callers_without_a_sign_in_make_room_for_users() -> None:
    place = Place()
    for number in range(6):
        place.market.hold(book(number), owner_of_order(str(number)))
    for number in (10, 11, 12):
        assert place.reads(EVE, number)
    assert place.reads(MALLORY, 13)
    with ExitStack() as reading:
        for number in range(20, 24):
            reading.enter_context(place.reading(ADA, number))
        assert place.market.collected == {f"C{n}-USDT" for n in (*range(6), *range(20, 24))}
        assert not place.reads(BOB, 30), "full of orders and users"
        assert not place.reads(EVE, 30)
        place.market.hold(book(31), owner_of_order("31"))
        assert "C31-USDT" in place.market.collected, "an order gets its book in any case"
        assert place.reads(BOB, 31), "which is collected anyway"


async def test_one_user_leaves_room_for_others() -> None:
    place = Place()
    with ExitStack() as reading:
        for number in range(6):
            reading.enter_context(place.reading(ADA, number))
        with pytest.raises(BookUnavailable, match="6 books were asked for by you") as refused:
            place.quota.hold(ADA, [book(6)], "ws:another connection")
        assert refused.value.retry_after == 60
        assert place.reads(ADA, 0)
        assert [place.reads(BOB, number) for number in range(10, 15)] == [True] * 4 + [False]
    await place.clock.advance(60)
    assert place.reads(ADA, 6)


async def test_a_merged_book_is_held_whole_or_not_at_all() -> None:
    place = Place()
    with pytest.raises(BookUnavailable):
        place.quota.hold(EVE, [book(number) for number in range(4)], "anonymous:1")
    assert place.market.collected == set()
    assert place.quota.books_of(EVE) == 0


async def test_what_an_order_holds_costs_nobody_but_callers_that_relieve_each_other_are_counted() -> None:
    place = Place()
    for number in range(6):
        place.market.hold(book(number), owner_of_order("1"))
    assert all(place.reads(EVE, number) for number in range(6))
    assert place.quota.books_of(EVE) == 0
    with place.reading(EVE, 0):
        place.market.release(book(0), owner_of_order("1"))
        with place.reading(EVE, 0):
            assert place.quota.books_of(EVE) == 1


STEPS = st.lists(
    st.tuples(st.sampled_from([ADA, BOB, EVE, MALLORY, OSCAR]), st.integers(0, 14), st.integers(0, 40)),
    max_size=60,
)


@given(STEPS)
@settings(deadline=None)
async def test_no_bound_is_ever_passed_and_nothing_is_left_behind(
    steps: list[tuple[Reader, int, int]],
) -> None:
    place = Place()
    with ExitStack() as open_books:
        for reader, number, wait in steps:
            if wait < 10:
                try:
                    open_books.enter_context(place.reading(reader, number))
                except BookUnavailable:
                    await place.clock.advance(wait)
            else:
                place.reads(reader, number)
                await place.clock.advance(wait - 10)
            assert len(place.market.collected) <= SMALL.max_books
            assert all(place.quota.books_of(one) <= 6 for one in (ADA, BOB))
            assert all(place.quota.books_of(one) <= 3 for one in (EVE, MALLORY, OSCAR))
            assert place.quota._anonymous() <= 4
    await place.clock.advance(60)
    assert all(place.quota.books_of(one) == 0 for one in (ADA, BOB, EVE, MALLORY, OSCAR))
    assert not place.quota._held and not place.quota._lingering


@pytest.fixture
def wide() -> Desk:
    """A desk on real demand."""
    services, accounts, market, orders, clock = build(SMALL, market_of=Wanted)
    app = create_app(services)
    http = AsyncClient(transport=ASGITransport(app, client=("10.0.0.1", 1234)), base_url="http://testserver")
    return Desk(app, services, accounts, market, orders, clock, http)


async def statuses(desk: Desk, numbers: Iterable[int], headers: dict[str, str] | None = None) -> list[int]:
    return [
        (await desk.http.get(f"/orderbook/binance/C{number}-USDT", headers=headers)).status_code
        for number in numbers
    ]


async def test_a_stranger_who_asks_for_every_book_leaves_those_who_signed_in_theirs(wide: Desk) -> None:
    headers = await wide.user()
    assert await statuses(wide, range(30)) == [200] * 3 + [503] * 27
    told = (await wide.http.get("/orderbook/binance/C9-USDT")).json()
    assert told["code"] == "book_unavailable" and "without a sign-in" in told["detail"]
    assert await statuses(wide, range(20, 26), headers) == [200] * 6
    assert await statuses(wide, (40, 41), headers) == [503] * 2
    assert await statuses(wide, (40,), await wide.user("bob")) == [200]
    wrong = {"Authorization": "Bearer nothing"}
    assert await statuses(wide, (45,), wrong) == [503], "a token that does not count is none"


async def test_streams_and_requests_of_one_user_count_together() -> None:
    config = SMALL.model_copy(update={"max_books_per_user": 2})
    async with serving(config) as live, live.stream() as socket:
        for exchange, symbol in (("binance", "BTC-USDT"), ("kraken", "BTC-USDT")):
            await say(socket, type="subscribe", channel="book", exchange=exchange, symbol=symbol)
            while (await hear(socket))["type"] != "subscribed":
                pass
        headers = await live.user()
        answer = await live.http.get("/orderbook/binance/ETH-USDT", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "book_unavailable")
        assert (await live.http.get("/orderbook/binance/BTC-USDT", headers=headers)).status_code == 200
        await say(socket, type="subscribe", channel="book", exchange="binance", symbol="ETH-USDT")
        while (heard := await hear(socket))["type"] == "book":
            pass
        assert heard["code"] == "book_unavailable" and "by you" in heard["message"]
    async with asyncio.timeout(5):
        while live.market.held:
            await asyncio.sleep(0)
