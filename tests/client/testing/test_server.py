"""The scripted server as users of the library meet it in tests of their own programs."""

import asyncio
import inspect
import textwrap
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from twap_client import NotFound, NotPermitted, SubscriptionRefused, TwapClient, testing
from twap_client.testing import ScriptedServer, book
from twap_client.testing.examples import NOON
from twap_models import BookMessage, OrderEvent

FIELDS = {"exchange": "binance", "symbol": "BTC-USDT", "quantity": 1, "duration": 60, "slices": 6}


@pytest.fixture
async def desk() -> AsyncIterator[tuple[ScriptedServer, TwapClient]]:
    async with ScriptedServer() as server:
        server.add_account("ada", "correct horse")
        async with TwapClient(server.url, username="ada", password="correct horse") as client:
            yield server, client


async def test_the_docstrings_example_runs() -> None:
    text = inspect.getdoc(testing) or ""
    lines = text.partition("::\n\n")[2].partition("\n\n")[0]
    program = f"async def example():\n{textwrap.indent(textwrap.dedent(lines), '    ')}"
    names: dict[str, object] = {"ScriptedServer": ScriptedServer, "TwapClient": TwapClient}
    exec(program, names)
    await names["example"]()  # type: ignore[operator]


async def test_it_begins_with_a_market(desk: tuple[ScriptedServer, TwapClient]) -> None:
    _, client = desk
    assert [one.name for one in await client.market.exchanges()] == ["binance", "kraken"]
    assert [one.symbol for one in await client.market.symbols("kraken")] == ["BTC-USDT", "ETH-USDT"]
    assert (await client.market.orderbook("binance", "btcusdt")).status == "live"
    assert len(await client.market.klines("binance", "BTC-USDT")) == 3
    with pytest.raises(NotFound):
        await client.market.orderbook("binance", "DOGE-USDT")


async def test_what_is_submitted_and_changed_is_told(desk: tuple[ScriptedServer, TwapClient]) -> None:
    server, client = desk
    async with asyncio.timeout(10), client.stream(orders=True) as stream:
        await stream.ready()
        made = await client.orders.submit(FIELDS)
        await client.orders.submit(FIELDS | {"token_id": made.token_id})  # a repeat is no event
        await client.orders.resume(made)  # nor is what changes nothing
        await client.orders.pause(made)
        await client.orders.resume(made)
        await client.orders.amend(made, quantity=2)
        await client.orders.cancel(made)
        told = [item for item in [await anext(stream) for _ in range(5)] if isinstance(item, OrderEvent)]
    assert [item.event for item in told] == ["accepted", "paused", "resumed", "amended", "ended"]
    assert [item.seq for item in told] == [1, 2, 3, 4, 5]
    assert [each.event async for each in client.orders.events(made)] == [item.event for item in told]
    assert told[-1].order.status == "Canceled" == server.orders[made.token_id].status


async def test_a_book_is_there_at_once_and_an_unknown_one_is_refused(
    desk: tuple[ScriptedServer, TwapClient],
) -> None:
    server, client = desk
    async with (
        asyncio.timeout(10),
        client.stream(["binance:btc/usdt", "mtgox:BTC-USDT", "kraken:DOGE"]) as stream,
    ):
        await stream.ready()
        server.push_book(book("binance:btc/usdt", seq=9))
        items = [await anext(stream) for _ in range(3)]
    refused = [item for item in items if isinstance(item, SubscriptionRefused)]
    assert [item.code for item in refused] == ["unknown_exchange", "unknown_symbol"]
    assert isinstance(items[-1], BookMessage) and items[-1].symbol == "btc/usdt"


async def test_a_book_pushed_right_after_ready_arrives(desk: tuple[ScriptedServer, TwapClient]) -> None:
    server, client = desk
    for number in range(20):
        async with asyncio.timeout(10), client.stream(["aggregate:BTC-USDT"]) as stream:
            await stream.ready()
            server.push_book(book("aggregate:BTC-USDT", seq=10 + number))
            while (item := await anext(stream)) != book("aggregate:BTC-USDT", seq=10 + number):
                assert isinstance(item, BookMessage)


async def test_it_tells_what_it_is_and_how_its_books_fare(desk: tuple[ScriptedServer, TwapClient]) -> None:
    server, client = desk
    assert (
        (await client.market.server()).registration
        == "open"
        == (await client.accounts.methods()).registration
    )
    server.push_book(book("kraken:ETH-USDT", status="stale", reason="nothing came for 31 s"))
    server.health["kraken:BTC-USDT"] = testing.health(server.books["kraken:BTC-USDT"], resyncs=3)
    told = {one.symbol: one for one in await client.market.books("kraken")}
    assert (told["ETH-USDT"].status, told["ETH-USDT"].reason) == ("stale", "nothing came for 31 s")
    assert (told["BTC-USDT"].status, told["BTC-USDT"].resyncs) == ("live", 3)
    with pytest.raises(NotFound):
        await client.market.books("mtgox")


async def test_it_has_the_trades_that_were_pushed(desk: tuple[ScriptedServer, TwapClient]) -> None:
    server, client = desk
    server.push_trade(testing.trade("kraken:ETH-USDT", id="2"))
    server.push_trade(testing.trade("kraken:ETH-USDT", id="3"))
    assert [one.id for one in await client.market.trades("kraken", "eth/usdt", limit=1)] == ["3"]
    assert [one.id for one in await client.market.trades("aggregate", "ETH-USDT")] == ["3", "2"]
    with pytest.raises(NotFound):
        await client.market.trades("kraken", "DOGE-USDT")


async def test_it_says_what_closed_orders_cost(desk: tuple[ScriptedServer, TwapClient]) -> None:
    server, client = desk
    for number in range(3):
        made = await client.orders.submit(
            FIELDS | {"token_id": f"o-{number}", "side": ("buy", "sell")[number % 2]}
        )
        done = made.model_copy(
            update={"status": "Filled", "filled_quantity": 1, "average_price": 60_000 + number}
        )
        server.push_event("ended", done)
    await client.orders.submit(FIELDS | {"token_id": "open"})
    dear = server.orders["o-2"]
    server.costs["o-2"] = testing.cost(
        dear, shortfall="12", shortfall_bps="2", ended=NOON + timedelta(hours=1)
    )
    page = await client.orders.costs(limit=2)
    assert [one.token_id for one in page.orders] == ["o-2", "o-0"] and page.next is not None
    assert page.summary is not None and (page.summary.orders, page.summary.unpriced) == (3, 2)
    assert page.summary.notional_by_quote == {"USDT": 180_003} and page.summary.worst_bps == 2
    assert [one.token_id async for one in client.orders.costs(limit=2)] == ["o-2", "o-0", "o-1"]
    assert [one.token_id async for one in client.orders.costs(side="sell")] == ["o-1"]
    assert [one.token_id async for one in client.orders.costs(start_time="+30m")] == ["o-2"]


async def test_administrators_invite(desk: tuple[ScriptedServer, TwapClient]) -> None:
    server, client = desk
    with pytest.raises(NotPermitted):
        await client.accounts.invite()
    server.admins.add("ada")
    server.info = testing.server_info(registration="invite")
    made = await client.accounts.invite(days=3, note="for Grace")
    spare = await client.accounts.invite()
    assert [one.note for one in await client.accounts.invites()] == ["for Grace", ""]
    await client.accounts.withdraw_invite(spare.invite_id)
    with pytest.raises(NotPermitted):
        await client.accounts.register("grace", "battery staple")
    await client.accounts.register("grace", "battery staple", invite=made.invite)
    with pytest.raises(NotPermitted):  # it makes one account
        await client.accounts.register("hedy", "battery staple", invite=made.invite)
    assert await client.accounts.invites() == [] and (await client.accounts.me()).is_admin
    with pytest.raises(NotFound):
        await client.accounts.withdraw_invite(spare.invite_id)


async def test_every_get_of_the_library_has_an_answer(desk: tuple[ScriptedServer, TwapClient]) -> None:
    """A route that is missing here fails the tests of whoever uses it, with words about no route."""
    server, client = desk
    server.admins.add("ada")
    made = await client.orders.submit(FIELDS)
    market, orders, accounts = client.market, client.orders, client.accounts
    await asyncio.gather(
        *(market.exchanges(), market.symbols("binance"), market.books("binance"), market.server()),
        *(market.klines("binance", "BTC-USDT"), market.orderbook("binance", "BTC-USDT")),
        *(
            market.trades("binance", "BTC-USDT"),
            orders.get(made),
            orders.report(made),
            orders.preview(FIELDS),
        ),
        *(orders.report_html(made), orders.report_csv(made), accounts.me(), accounts.methods()),
        *(accounts.invites(), accounts.list_keys()),
    )
    assert await orders.list() and await orders.costs()
