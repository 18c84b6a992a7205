"""Backoff, budgets, and how a spelling finds its instrument."""

import itertools
import random

import httpx
import pytest

from support.clocks import LoopClock
from twap_server.books.demand import Demand
from twap_server.books.keeper import Keeper
from twap_server.clock import SystemClock
from twap_server.collector.backoff import delays
from twap_server.collector.budget import Budget
from twap_server.collector.config import CollectorConfig
from twap_server.collector.market import MarketData
from twap_server.collector.rest import Rest
from twap_server.domain.errors import ExchangeUnavailable, UnknownExchange, UnknownSymbol
from twap_server.exchanges.base import HttpRequest
from twap_server.exchanges.binance.adapter import BinanceExchange
from twap_server.exchanges.kraken.adapter import KrakenExchange
from twap_server.exchanges.registry import EXCHANGES


def test_delays_are_full_jitter_below_a_doubling_limit():
    found = list(itertools.islice(delays(random.Random(1), initial_ms=500, cap_s=30), 200))
    limits = [min(0.5 * 2**step, 30) for step in range(200)]
    assert all(0 <= delay <= limit for delay, limit in zip(found, limits, strict=True))
    assert min(found[10:]) < 3
    assert max(found[10:]) > 27


@pytest.mark.looptime
async def test_a_budget_is_never_exceeded():
    clock = LoopClock()
    budget, spent = Budget(clock, amount=5, window_s=1), []
    for _ in range(23):
        await budget.spend()
        spent.append(clock.monotonic())
    for at in spent:
        assert sum(at <= other < at + 1_000_000_000 for other in spent) <= 5


@pytest.mark.looptime
async def test_what_is_heavier_than_the_budget_waits_for_an_empty_window():
    clock = LoopClock()
    budget = Budget(clock, amount=5, window_s=1)
    await budget.spend(1)
    begun = clock.monotonic()
    await budget.spend(50)
    assert clock.monotonic() - begun >= 1_000_000_000


@pytest.mark.looptime
async def test_a_users_request_does_not_wait_for_ever_for_room_in_the_budget():
    answers = httpx.MockTransport(lambda _: httpx.Response(200, content=b"[]"))
    async with httpx.AsyncClient(transport=answers) as http:
        clock, exchange = LoopClock(), BinanceExchange()
        rest = Rest(exchange, clock, http)
        everything = HttpRequest(path="/x", weight=exchange.limits.rest_weight_per_minute)
        await rest.get(everything, within_s=10)
        begun = clock.monotonic()
        with pytest.raises(ExchangeUnavailable, match="more is asked for"):
            await rest.get(everything, within_s=10)
        assert clock.monotonic() - begun == 10_000_000_000
        assert await rest.get(everything) == b"[]", "a book waits its turn"
        assert clock.monotonic() - begun >= 60_000_000_000


@pytest.fixture
async def market():
    body = (
        b'{"error":[],"result":{"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","pair_decimals":1},'
        b'"XETHXXBT":{"altname":"ETHXBT","wsname":"ETH/XBT","pair_decimals":5},'
        b'"XDGUSD":{"altname":"XDGUSD","wsname":"XDG/USD","pair_decimals":5}}}'
    )
    clock = SystemClock()
    found = MarketData(
        EXCHANGES,
        CollectorConfig(),
        keeper=Keeper(),
        demand=Demand(clock),
        clock=clock,
        rng=random.Random(1),
        cached={"kraken": KrakenExchange().parse_instruments(body).found},
    )
    yield found
    await found._http.aclose()


@pytest.mark.parametrize(
    ("spelling", "symbol"),
    [
        ("BTC-USD", "BTC-USD"),
        ("btc/usd", "BTC-USD"),
        ("BTCUSD", "BTC-USD"),
        ("XBT/USD", "BTC-USD"),
        ("xbtusd", "BTC-USD"),
        ("XXBTZUSD", "BTC-USD"),
        ("eth_btc", "ETH-BTC"),
        ("ETH/XBT", "ETH-BTC"),
        ("ETHBTC", "ETH-BTC"),
        (" DOGE-USD ", "DOGE-USD"),
        ("XDG/USD", "DOGE-USD"),
    ],
)
async def test_spellings(market, spelling, symbol):
    assert market.find_instrument("Kraken", spelling).id.symbol == symbol


async def test_what_is_not_found_is_said_with_near_ones(market):
    with pytest.raises(UnknownSymbol, match="BTC-USD"):
        market.find_instrument("kraken", "BTC-USDX")
    with pytest.raises(UnknownSymbol):
        market.find_instrument("kraken", "")
    with pytest.raises(UnknownExchange, match="binance, coinbase, kraken"):
        market.find_instrument("nasdaq", "BTC-USD")
    with pytest.raises(ExchangeUnavailable, match="not known yet"):
        market.find_instrument("binance", "BTC-USDT")
    assert market.loaded("kraken")
    assert not market.loaded("binance")
    assert isinstance(market._http, httpx.AsyncClient)
