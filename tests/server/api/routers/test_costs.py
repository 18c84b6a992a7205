"""GET /costs: the reports' figures to the last digit, filters, pages, sums, a bounded portion at a time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient

from support.api.desk import PASSWORD, Desk, build
from support.api.live import Live
from support.changes import replace as changed
from support.store.closed import ENDED, at_work, expired, numbered, recorded, sold, unpriced
from twap_client import NaiveTime, TwapClient
from twap_models import CostPage, ExecutionReport, OrderCost, Side
from twap_server.api.app import create_app
from twap_server.api.routers import costs as routes
from twap_server.api.routers import measured_costs
from twap_server.api.routers.measured_costs import MOST_SLICES, portion
from twap_server.domain.clock import SECOND, Nanos, to_iso
from twap_server.domain.errors import StoreUnavailable
from twap_server.domain.orders.record import OrderRecord
from twap_server.domain.tca.headline import CostFilter, Unmeasured
from twap_server.store.costs import SqlCostStore
from twap_server.store.database import Database
from twap_server.store.orders import SqlOrderStore

ALL = CostFilter()


@dataclass
class Books:
    """A desk on a real store, and somebody whose orders are in it."""

    desk: Desk
    orders: SqlOrderStore
    costs: SqlCostStore
    headers: dict[str, str]
    user_id: str

    async def put(self, *records: OrderRecord) -> None:
        for one in records:
            terms = changed(one.order.terms, user_id=self.user_id)
            await recorded(self.orders, changed(one, order=changed(one.order, terms=terms)))

    async def ask(self, **query: Any) -> CostPage:
        answer = await self.desk.http.get("/costs", params=query, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return CostPage.from_json(answer.content)

    async def report(self, token_id: str) -> ExecutionReport:
        answer = await self.desk.http.get(f"/orders/{token_id}/report", headers=self.headers)
        return ExecutionReport.from_json(answer.content)

    async def kept(self) -> set[str]:
        missing = await self.costs.unmeasured(self.user_id, ALL, limit=500)
        closed = await self.costs.closed(self.user_id, ALL, limit=500, after=None)
        return {one.order.terms.token_id for one in closed} - {one.token_id for one in missing}


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[Books]:
    services, accounts, market, memory, clock = build()
    async with Database.open(f"sqlite:///{tmp_path / 'twap.db'}") as database:
        orders, costs = SqlOrderStore(database), SqlCostStore(database)
        app = create_app(replace(services, records=orders, costs=costs))
        transport = ASGITransport(app, client=("10.0.0.1", 1))
        async with AsyncClient(transport=transport, base_url="http://testserver") as http:
            desk = Desk(app, services, accounts, market, memory, clock, http)
            headers = await desk.user()
            owner = accounts.users_by_name["ada"].user_id
            yield Books(desk, orders, costs, headers, owner)


def names(page: CostPage) -> list[str]:
    return [one.token_id for one in page.orders]


def of_report(made: ExecutionReport) -> dict[str, Any]:
    costs = made.costs
    return {
        "token_id": made.token_id,
        "exchange": made.exchange,
        "instrument": made.instrument,
        "side": made.side,
        "status": made.status,
        "quantity": made.quantity,
        "filled_quantity": made.filled_quantity,
        "average_price": made.average_price,
        "notional": made.notional,
        "fees": made.fees,
        "decision_price": made.decision_price,
        "arrival_price": made.arrival_price,
        "shortfall": costs.implementation_shortfall.amount,
        "shortfall_bps": costs.implementation_shortfall.bps,
        "delay_bps": costs.delay.bps,
        "timing_bps": costs.timing.bps,
        "spread_bps": costs.spread.bps,
        "depth_bps": costs.depth.bps,
        "opportunity_bps": costs.opportunity.bps,
        "fees_bps": costs.fees.bps,
        "slippage_bps": made.arrival_slippage_bps,
        "twap_slippage_bps": made.market_twap_slippage_bps,
        "vwap_slippage_bps": made.market_vwap_slippage_bps,
        "participation_percent": made.participation_percent,
        "forecast_bps": made.forecast_bps,
        "trading_bps": made.trading_bps,
        "pending": False,
    }


async def test_every_figure_is_the_reports_computed_and_kept(books: Books) -> None:
    await books.put(
        numbered(expired(), 1),
        numbered(sold(), 2, forecast="-1.25"),
        numbered(unpriced(), 3, forecast="9"),
        numbered(at_work(), 4),
    )
    first = await books.ask()
    assert sorted(names(first)) == ["t-1", "t-2", "t-3"]
    assert await books.kept() == {"t-1", "t-2", "t-3"}
    second = await books.ask()
    assert second == first, "kept figures are those that were computed"
    for one in first.orders:
        whole, told = of_report(await books.report(one.token_id)), one.model_dump()
        assert {name: told[name] for name in whole} == whole
        assert {name: str(told[name]) for name in whole} == {name: str(one) for name, one in whole.items()}
    by_name = {one.token_id: one for one in first.orders}
    assert by_name["t-1"].shortfall == Decimal("10.631325")
    assert to_iso(ENDED) == by_name["t-1"].model_dump(mode="json")["ended"]
    assert by_name["t-3"].shortfall_bps is None
    assert [by_name[name].forecast_bps for name in ("t-1", "t-2", "t-3")] == [None, Decimal("-1.25"), 9]
    # spread 0.6, depth 0.2, fees 0.1994 over 2 at the decision price of 100
    assert (by_name["t-2"].trading_bps, by_name["t-3"].trading_bps) == (Decimal("49.97"), None)


async def test_the_sums_are_of_all_that_fits_not_of_the_page(books: Books) -> None:
    await books.put(
        numbered(expired(), 1),
        numbered(expired(), 2, later=10),
        numbered(sold(), 3, later=20),
        numbered(sold(), 4, later=30, symbol="BTC-EUR"),
        numbered(unpriced(), 5, later=40),
    )
    page = await books.ask(limit=1)
    assert (names(page), page.next is not None) == (["t-5"], True)
    told = page.summary
    assert told is not None
    assert (told.orders, told.filled_orders, told.pending, told.unpriced) == (5, 4, 0, 1)
    assert told.shortfall_by_quote == {"USDT": Decimal("22.062050"), "EUR": Decimal("0.7994")}
    assert told.notional_by_quote == {"USDT": Decimal("812.05"), "EUR": Decimal("199.4")}
    assert told.shortfall_bps_by_quote == {"USDT": Decimal("220.6205"), "EUR": Decimal("39.97")}
    assert told.shortfall_bps is None, "two currencies have no common sum"
    assert (told.median_bps, told.worst_bps) == (Decimal("152.87655"), Decimal("265.7831"))
    only = (await books.ask(symbol="btc/usdt", limit=1)).summary
    assert only is not None
    assert (only.orders, only.shortfall_bps) == (4, Decimal("220.6205"))


async def test_forecasts_are_summed_against_what_the_same_orders_came_to(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured_costs, "MOST_SLICES", 3)
    await books.put(
        numbered(sold(), 1, forecast="40"),
        numbered(sold(), 2, later=10, forecast="44"),
        numbered(sold(), 3, later=20),
        numbered(unpriced(), 4, later=30, forecast="7"),
        numbered(sold(), 5, later=40, symbol="BTC-EUR", forecast="1"),
    )
    page = await books.ask()
    while page.summary is not None and page.summary.pending:
        assert page.orders[-1].forecast_bps == 40, "it is known before the costs are"
        page = await books.ask()
    told = page.summary
    assert told is not None and set(told.forecast_by_quote) == {"USDT", "EUR"}
    usdt = told.forecast_by_quote["USDT"]
    assert (usdt.orders, usdt.forecast_bps, usdt.trading_bps) == (2, 42, Decimal("49.97"))
    again = (await books.ask()).summary
    assert again == told, "kept figures add up to the same"


async def test_pages_follow_one_another_and_only_the_first_adds_up(books: Books) -> None:
    await books.put(*(numbered(expired(), number, later=number // 2) for number in range(1, 8)))
    seen, page = list[str](), await books.ask(limit=3)
    assert page.summary is not None
    while True:
        seen += names(page)
        if page.next is None:
            break
        page = await books.ask(limit=3, after=page.next)
        assert page.summary is None
    assert seen == ["t-7", "t-6", "t-5", "t-4", "t-3", "t-2", "t-1"]
    assert (await books.ask(limit=3, summary=False)).summary is None
    first = await books.ask(limit=3)
    asked = await books.ask(limit=3, after=first.next, summary=True)
    assert asked.summary == first.summary


async def test_filters(books: Books) -> None:
    await books.put(
        numbered(expired(), 1),
        numbered(sold(), 2, later=100),
        numbered(expired(), 3, later=200, exchange="kraken", symbol="ETH-USDT"),
    )
    at = to_iso(Nanos(ENDED + 200 * SECOND))
    for query, expected in (
        ({"exchange": "Kraken"}, ["t-3"]),
        ({"symbol": "ethusdt"}, ["t-3"]),
        ({"symbol": "BTC/USDT", "exchange": "binance"}, ["t-2", "t-1"]),
        ({"symbol": "NO-SUCH"}, []),
        ({"side": "sell"}, ["t-2"]),
        ({"start_time": at}, ["t-3"]),
        ({"end_time": at}, ["t-2", "t-1"]),
        ({"end_time": "now", "start_time": "2020-01-01T00:00:00Z"}, ["t-3", "t-2", "t-1"]),
    ):
        page = await books.ask(**query)
        assert names(page) == expected, query
        assert page.summary is not None and page.summary.orders == len(expected)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"side": "up"}, "side"),
        ({"limit": 501}, "limit"),
        ({"after": "x"}, "after"),
        ({"start_time": "soon"}, "start_time"),
        ({"start_time": "2026-01-02T00:00Z", "end_time": "2026-01-01T00:00Z"}, "end_time"),
    ],
)
async def test_a_wrong_value_is_named(books: Books, query: dict[str, Any], field: str) -> None:
    answer = await books.desk.http.get("/costs", params=query, headers=books.headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_everybody_sees_their_own(books: Books) -> None:
    await books.put(numbered(expired(), 1))
    await recorded(books.orders, numbered(expired(), 2, user_id="somebody else"))
    assert names(await books.ask()) == ["t-1"]
    assert (await books.desk.http.get("/costs")).status_code == 401


async def test_what_may_still_change_is_computed_each_time_and_not_kept(books: Books) -> None:
    elapsed = (books.desk.clock.now() - ENDED) // SECOND
    await books.put(numbered(expired(), 1, later=elapsed - 30))
    page = await books.ask()
    assert page.orders[0].shortfall == Decimal("10.631325") and not page.orders[0].pending
    assert page.summary is not None and page.summary.shortfall_by_quote == {"USDT": Decimal("10.631325")}
    assert await books.kept() == set()
    await books.desk.clock.advance(61)
    assert await books.ask() == page
    assert await books.kept() == {"t-1"}


async def test_a_request_computes_a_portion_and_says_what_is_pending(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured_costs, "MOST_SLICES", 8)
    await books.put(*(numbered(expired(), number, later=number) for number in range(1, 6)))
    page = await books.ask()
    assert [one.pending for one in page.orders] == [False, False, True, True, True]
    waiting = page.orders[2]
    assert (waiting.shortfall, waiting.shortfall_bps, waiting.arrival_price) == (None, None, None)
    assert (waiting.notional, waiting.average_price) == (
        page.orders[0].notional,
        page.orders[0].average_price,
    )
    told = page.summary
    assert told is not None
    assert (told.orders, told.pending, told.notional_by_quote) == (5, 3, {"USDT": Decimal("1531.625")})
    assert told.shortfall_by_quote == {"USDT": Decimal("21.26265")}
    assert [one.pending for one in (await books.ask()).orders] == [False, False, False, False, True]
    last = await books.ask()
    assert last.summary is not None and last.summary.pending == 0
    assert len(await books.kept()) == 5


def test_a_portion_is_bounded_but_never_empty() -> None:
    def waiting(*slices: int) -> list[Unmeasured]:
        return [Unmeasured(order_id="", token_id="", slices=one, ended=Nanos(0)) for one in slices]

    assert portion([]) == []
    assert portion(waiting(100_000, 1)) == waiting(100_000)
    assert portion(waiting(1, 100_000, 1)) == waiting(1)
    assert portion(waiting(*[1_000] * 9)) == waiting(*[1_000] * (MOST_SLICES // 1_000))


@pytest.mark.parametrize("bound", ["LIGHT", "_MANY"])
async def test_what_is_large_waits_for_its_turn_and_says_the_same(
    books: Books, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    await books.put(*(numbered(expired(), number, later=number) for number in range(1, 4)))
    turns = list[str]()
    large = books.desk.services.large
    answer = large.answer

    async def noted(user_id: str, *rest: Any) -> Any:
        turns.append(user_id)
        return await answer(user_id, *rest)

    monkeypatch.setattr(large, "answer", noted)
    light = await books.ask(summary=False)
    assert turns == []
    await books.put(*(numbered(expired(), number, later=number) for number in range(4, 6)))
    monkeypatch.setattr(routes, bound, 3)
    page = await books.ask()
    assert turns == [books.user_id]
    assert page.orders[2:] == light.orders
    assert page.summary is not None and page.summary.orders == 5


async def test_figures_that_cannot_be_kept_are_told_all_the_same(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    await books.put(numbered(expired(), 1))

    async def fails(measured: object) -> None:
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(books.costs, "keep", fails)
        page = await books.ask()
    assert page.orders[0].shortfall == Decimal("10.631325")
    assert await books.kept() == set()
    assert await books.ask() == page


async def test_numbers_are_numbers_on_the_wire(books: Books) -> None:
    await books.put(numbered(expired(), 1))
    answer = await books.desk.http.get("/costs", headers=books.headers)
    assert b'"shortfall":10.631325,' in answer.content
    assert b'"shortfall_by_quote":{"USDT":10.631325}' in answer.content
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()["orders"][0]) == set(OrderCost.model_fields)


async def test_the_client_walks_all_pages(live: Live) -> None:
    owner, records = await signed_in(live), [numbered(expired(), one, later=one) for one in (1, 2, 3)]
    for one in records:
        live.orders.orders[owner, one.order.terms.token_id] = one.order
        live.orders.slices[one.order.terms.token_id] = list(one.slices)
        live.orders.fills[one.order.terms.token_id] = list(one.fills)
        live.orders.samples[one.order.terms.token_id] = list(one.samples)
    url = live.url.replace("ws://", "http://").removesuffix("/ws")
    async with TwapClient(url, username="ada", password=PASSWORD) as client:
        page = await client.orders.costs(limit=2)
        assert names(page) == ["t-3", "t-2"]
        assert page.summary is not None and page.summary.orders == 3
        found = [one.token_id async for one in client.orders.costs(limit=2, symbol="BTCUSDT", side=Side.BUY)]
        assert found == ["t-3", "t-2", "t-1"]
        assert names(await client.orders.costs(limit=2, after=page.next)) == ["t-1"]
        then = datetime.fromtimestamp((ENDED + 2 * SECOND) / SECOND, UTC)
        assert names(await client.orders.costs(start_time=then)) == ["t-3", "t-2"]
        assert names(await client.orders.costs(end_time=then, exchange="binance")) == ["t-1"]
        with pytest.raises(NaiveTime):
            client.orders.costs(start_time=datetime(2026, 1, 1))


async def signed_in(live: Live) -> str:
    await live.sign_in()
    return await live.owner()
