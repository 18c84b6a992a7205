"""Open routes: so many calls a minute from one address, whoever calls, and what they give is written once."""

import pytest
from httpx import ASGITransport, AsyncClient

from support.api.desk import CHEAP, Desk, build
from twap_models import Problem
from twap_server.api.app import create_app
from twap_server.api.config import ApiConfig, RateConfig

RATES = RateConfig(reads_per_minute=5, candles_per_minute=2)
ADDRESSES = ("10.0.0.1", "2001:db8::1", "2001:db8::2")


def serving(address: str) -> tuple[AsyncClient, Desk]:
    services, accounts, market, orders, clock = build(ApiConfig(passwords=CHEAP, rates=RATES))
    app = create_app(services)
    http = AsyncClient(transport=ASGITransport(app, client=(address, 1)), base_url="http://testserver")
    return http, Desk(app, services, accounts, market, orders, clock, http)


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/klines/binance/BTC-USDT", 2),
        ("/klines/nowhere/NOPE?limit=0", 2),
        ("/orderbook/binance/BTC-USDT", 5),
        ("/server", 5),
        ("/exchanges/binance/books", 5),
        ("/exchanges", 5),
        ("/exchanges/binance/symbols", 5),
    ],
)
async def test_more_than_allowed_is_refused_with_the_time_to_wait(path: str, most: int) -> None:
    http, desk = serving("10.0.0.1")
    passed = [(await http.get(path)).status_code for _ in range(most)]
    assert 429 not in passed
    await desk.clock.advance(20)
    refused = await http.get(path)
    assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
    assert Problem.from_json(refused.content).code == "rate_limited"
    assert refused.headers["Retry-After"] == "40"
    await desk.clock.advance(40)
    assert (await http.get(path)).status_code == passed[0]


async def test_candles_and_the_rest_are_counted_apart_and_each_address_for_itself() -> None:
    http, desk = serving("2001:db8::1")
    for _ in range(5):
        await http.get("/exchanges")
    assert (await http.get("/exchanges/binance/symbols")).status_code == 429
    assert (await http.get("/klines/binance/BTC-USDT")).status_code == 200
    assert (await http.get("/health")).status_code == 200
    for address, status in (("2001:db8::2", 429), ("2001:db8:0:1::1", 200), ("10.0.0.1", 200)):
        transport = ASGITransport(desk.app, client=(address, 1))
        async with AsyncClient(transport=transport, base_url="http://testserver") as other:
            assert (await other.get("/exchanges")).status_code == status, address


async def test_forty_at_once_pass_no_more_often() -> None:
    import asyncio

    http, desk = serving("10.0.0.1")
    answers = await asyncio.gather(*(http.get("/klines/binance/BTC-USDT") for _ in range(40)))
    assert sorted(one.status_code for one in answers) == [200] * 2 + [429] * 38
    assert len(desk.market.asked) == 2, "counted before anything is done"


async def test_a_list_is_written_once_until_another_is_loaded(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from twap_server.api.wire import listings

    written = []
    presented = listings.present.instrument
    monkeypatch.setattr(
        listings.present, "instrument", lambda one: written.append(one.native) or presented(one)
    )
    first = await desk.http.get("/exchanges/binance/symbols")
    assert [one["symbol"] for one in first.json()] == ["BTC-USDT", "ETH-USDT"]
    again = await desk.http.get("/exchanges/binance/symbols")
    assert (again.content, len(written)) == (first.content, 2)
    desk.market.listed["binance"] = {"BTC-USDT": desk.market.listed["binance"]["BTC-USDT"]}
    assert len((await desk.http.get("/exchanges/binance/symbols")).json()) == 1
    assert (await desk.http.get("/exchanges/kraken/symbols")).json()[0]["native"] == "BTCUSDT"
