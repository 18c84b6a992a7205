"""Backoff, budgets, and how a spelling finds its instrument."""

import itertools
import random
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from support.asking import told
from support.clocks import LoopClock
from twap_models import InstrumentKind
from twap_server.books.interest import BookInterest
from twap_server.books.registry import BookRegistry
from twap_server.clock import SystemClock
from twap_server.collector.backoff import backoff_delays
from twap_server.collector.config import CollectorConfig
from twap_server.collector.listing import by_symbol
from twap_server.collector.market_data import LiveMarket
from twap_server.collector.rate_limit import RateLimiter, RequestPurpose
from twap_server.collector.rest import Rest
from twap_server.domain.errors import ExchangeUnavailable, UnknownExchange, UnknownSymbol
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.symbology import Spellings, everywhere, the_one
from twap_server.exchanges.base import HttpRequest, asked
from twap_server.exchanges.binance.spot import BinanceExchange
from twap_server.exchanges.coinbase_exchange.adapter import CoinbaseExchangeFeed
from twap_server.exchanges.kraken.adapter import KrakenExchange
from twap_server.exchanges.registry import EXCHANGES


def test_delays_are_full_jitter_below_a_doubling_limit():
    found = list(itertools.islice(backoff_delays(random.Random(1), initial_ms=500, cap_s=30), 200))
    limits = [min(0.5 * 2**step, 30) for step in range(200)]
    assert all(0 <= delay <= limit for delay, limit in zip(found, limits, strict=True))
    assert min(found[10:]) < 3
    assert max(found[10:]) > 27


@pytest.mark.looptime
async def test_a_budget_is_never_exceeded():
    clock = LoopClock()
    limiter, spent = RateLimiter(clock, amount=5, window_s=1), []
    for _ in range(23):
        await limiter.spend()
        spent.append(clock.monotonic())
    for at in spent:
        assert sum(at <= other < at + 1_000_000_000 for other in spent) <= 5


@pytest.mark.looptime
async def test_what_is_heavier_than_the_budget_waits_for_an_empty_window():
    clock = LoopClock()
    limiter = RateLimiter(clock, amount=5, window_s=1)
    await limiter.spend(1)
    begun = clock.monotonic()
    await limiter.spend(50)
    assert clock.monotonic() - begun >= 1_000_000_000


@pytest.mark.looptime
async def test_a_users_request_does_not_wait_for_ever_for_room_in_the_budget():
    answers = httpx.MockTransport(lambda _: httpx.Response(200, content=b"[]"))
    async with httpx.AsyncClient(transport=answers) as http:
        clock, exchange = LoopClock(), BinanceExchange()
        rest = Rest(exchange, clock, http)
        everything = HttpRequest(path="/x", weight=exchange.limits.rest[""].amount)
        await rest.ask(asked(everything, bytes), RequestPurpose.URGENT)
        begun = clock.monotonic()
        with pytest.raises(ExchangeUnavailable, match="more is asked for"):
            await rest.ask(asked(everything, bytes), RequestPurpose.USERS)
        assert clock.monotonic() - begun == 10_000_000_000
        answer = await rest.ask(asked(everything, bytes), RequestPurpose.URGENT)
        assert answer.value == b"[]", "a book waits its turn"
        assert clock.monotonic() - begun >= 60_000_000_000


@asynccontextmanager
async def listing(**cached):
    """A market that knows these lists and collects nothing."""
    clock = SystemClock()
    found = LiveMarket(
        EXCHANGES,
        CollectorConfig(),
        registry=BookRegistry(),
        interest=BookInterest(clock),
        clock=clock,
        rng=random.Random(1),
        cached=cached,
    )
    yield found
    await found._http.aclose()


@pytest.fixture
async def market():
    body = (
        b'{"error":[],"result":{"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","pair_decimals":1},'
        b'"XETHXXBT":{"altname":"ETHXBT","wsname":"ETH/XBT","pair_decimals":5},'
        b'"XDGUSD":{"altname":"XDGUSD","wsname":"XDG/USD","pair_decimals":5}}}'
    )
    async with listing(kraken=told(KrakenExchange().instruments(), body).found) as found:
        yield found


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


TERRA = (
    b'{"error":[],"result":{'
    b'"LUNAUSD":{"altname":"LUNAUSD","wsname":"LUNA/USD","pair_decimals":8},'
    b'"LUNA2USD":{"altname":"LUNA2USD","wsname":"LUNA2/USD","pair_decimals":4},'
    b'"LUNAEUR":{"altname":"LUNAEUR","wsname":"LUNA/EUR","pair_decimals":8},'
    b'"USTUSD":{"altname":"USTUSD","wsname":"UST/USD","pair_decimals":4},'
    b'"XREPZUSD":{"altname":"REPUSD","wsname":"REP/USD","pair_decimals":4},'
    b'"REPV2USD":{"altname":"REPV2USD","wsname":"REPV2/USD","pair_decimals":4}}}'
)
PRODUCTS = (
    b'[{"id":"LUNA-USD","base_currency":"LUNA","quote_currency":"USD","quote_increment":"0.01",'
    b'"base_increment":"0.01","base_min_size":"0","min_market_funds":"1","status":"online"},'
    b'{"id":"CGLD-USD","base_currency":"CGLD","quote_currency":"USD","quote_increment":"0.01",'
    b'"base_increment":"0.01","base_min_size":"0","min_market_funds":"1","status":"online"}]'
)


@pytest.fixture
async def renamed():
    kraken, coinbase = KrakenExchange(), CoinbaseExchangeFeed()
    listed = {"kraken": told(kraken.instruments(), TERRA).found}
    listed |= {"coinbase-exchange": told(coinbase.instruments(), PRODUCTS).found}
    async with listing(**listed) as found:
        yield found


@pytest.mark.parametrize(
    ("spelling", "native"),
    [
        ("LUNA-USD", "LUNA2USD"),
        ("luna_usd", "LUNA2USD"),
        ("LUNA2USD", "LUNA2USD"),
        ("LUNC-USD", "LUNAUSD"),
        ("LUNCUSD", "LUNAUSD"),
        ("LUNAEUR", "LUNAEUR"),
        ("LUNA/EUR", "LUNAEUR"),
        ("USTC-USD", "USTUSD"),
        ("UST/USD", "USTUSD"),
        ("REP-USD", "REPV2USD"),
        ("REPV1/USD", "REPUSD"),
        ("XREPZUSD", "REPUSD"),
    ],
)
async def test_the_canonical_name_wins_over_the_exchanges_own(renamed, spelling, native):
    assert renamed.find_instrument("kraken", spelling).native == native


@pytest.mark.parametrize("spelling", ["LUNAUSD", "LUNA/USD", "lunausd", "REPUSD", "REP/USD"])
async def test_a_spelling_that_fits_two_instruments_is_refused_with_both_names(renamed, spelling):
    coin = spelling[:3].upper()
    with pytest.raises(UnknownSymbol, match=f"fits 2 instruments.*{coin}.*own.*{coin}.*write one of"):
        renamed.find_instrument("kraken", spelling)


async def test_a_canonical_name_never_finds_another_coin(renamed):
    with pytest.raises(UnknownSymbol, match="what it calls so itself is LUNC-EUR here"):
        renamed.find_instrument("kraken", "LUNA-EUR")
    with pytest.raises(UnknownSymbol, match="lists no instrument"):
        renamed.find_instrument("kraken", "UST-USD")


async def test_what_another_exchange_lists_is_said_with_its_name(renamed):
    only = next(
        symbol
        for symbol in renamed.instruments("kraken")
        if symbol not in renamed.instruments("coinbase-exchange")
    )
    with pytest.raises(UnknownSymbol, match=f"coinbase-exchange lists no .*{only}'; listed by kraken"):
        renamed.find_instrument("coinbase-exchange", only)


async def test_over_all_exchanges_only_canonical_names_count(renamed):
    def natives(spelling):
        return {one.id.exchange: one.native for one in renamed.find_everywhere(spelling)}

    assert (
        natives("LUNA-USD")
        == natives("lunausd")
        == {
            "coinbase-exchange": "LUNA-USD",
            "kraken": "LUNA2USD",
        }
    )
    assert natives("LUNC-USD") == {"kraken": "LUNAUSD"}
    assert natives("CELO-USD") == {"coinbase-exchange": "CGLD-USD"}
    assert renamed.find_instrument("coinbase-exchange", "CGLD-USD").id.symbol == "CELO-USD"


def test_what_is_listed_nowhere_is_blamed_on_no_single_exchange():
    lists = {
        "coinbase-exchange": Spellings(told(CoinbaseExchangeFeed().instruments(), PRODUCTS).found),
        "kraken": Spellings(told(KrakenExchange().instruments(), TERRA).found),
    }
    with pytest.raises(UnknownSymbol, match=r"^no exchange here lists an instrument 'NOPE-XYZ'$"):
        everywhere("NOPE-XYZ", lists)
    with pytest.raises(UnknownSymbol, match=r"^no exchange here lists .*; did you mean LUNA-USD"):
        everywhere("LUNAA-USD", lists)


async def test_while_an_exchange_is_down_no_spelling_is_called_wrong(renamed):
    with pytest.raises(ExchangeUnavailable, match="LUNC-EUR here; the instruments of binance are not known"):
        renamed.find_everywhere("LUNAEUR")


async def test_while_no_list_of_spot_is_known_its_name_never_means_a_perpetual(market):
    perpetual = replace(
        market.find_instrument("kraken", "BTC-USD"),
        id=InstrumentId("kraken", "BTC-USD-PERP"),
        kind=InstrumentKind.PERPETUAL,
        aliases=(),
    )
    async with listing(kraken=[perpetual]) as perpetuals:
        for spelling in ("BTC-USD", "BTCUSD", "BTC/USD", "XBTUSD"):
            with pytest.raises(ExchangeUnavailable, match="the instruments of binance are not known"):
                perpetuals.find_everywhere(spelling)
        assert perpetuals.find_everywhere("BTC-USD-PERP") == [perpetual]
        assert perpetuals.find_instrument("kraken", perpetual.native) == perpetual


async def test_books_of_renamed_assets_are_asked_for_by_the_exchanges_own_names(renamed):
    exchange = renamed.collector("kraken").exchange
    sent = [
        exchange.new_stream().subscribe([renamed.find_instrument("kraken", one)])
        for one in ("LUNA-USD", "LUNC-USD")
    ]
    assert ['"LUNA2/USD"' in sent[0][0].text, '"LUNA/USD"' in sent[1][0].text] == [True, True]


@pytest.mark.parametrize(("old_status", "found"), [("online", None), ("cancel_only", "LUNCUSD")])
async def test_two_instruments_of_one_name_are_left_out_unless_one_alone_trades(old_status, found):
    body = (
        b'{"error":[],"result":{'
        b'"LUNAUSD":{"altname":"LUNAUSD","wsname":"LUNA/USD","pair_decimals":8,"status":"%s"},'
        b'"LUNCUSD":{"altname":"LUNCUSD","wsname":"LUNC/USD","pair_decimals":8},'
        b'"XBTUSD":{"altname":"XBTUSD","wsname":"XBT/USD","pair_decimals":1}}}'
    ) % old_status.encode()
    listed, clashing = by_symbol(told(KrakenExchange().instruments(), body).found)
    names = Spellings(listed.values(), clashing)
    if found is None:
        assert "LUNC-USD" not in listed and len(clashing) == 2
        with pytest.raises(UnknownSymbol, match=r"LUNAUSD.*LUNCUSD.*neither can be chosen"):
            the_one("LUNC-USD", names.find("LUNC-USD"), "kraken")
    else:
        assert the_one("LUNC-USD", names.find("LUNC-USD"), "kraken").native == found


async def test_what_is_not_found_is_said_with_near_ones(market):
    with pytest.raises(UnknownSymbol, match="BTC-USD"):
        market.find_instrument("kraken", "BTC-USDX")
    with pytest.raises(UnknownSymbol):
        market.find_instrument("kraken", "")
    with pytest.raises(UnknownExchange, match=r"there are: binance, .*kraken"):
        market.find_instrument("nasdaq", "BTC-USD")
    with pytest.raises(
        UnknownExchange, match=r"books and orders only: name one exchange of: binance, .*kraken"
    ):
        market.find_instrument("aggregate", "BTC-USD")
    with pytest.raises(ExchangeUnavailable, match="not known yet"):
        market.find_instrument("binance", "BTC-USDT")
    assert market.loaded("kraken")
    assert not market.loaded("binance")
    assert isinstance(market._http, httpx.AsyncClient)
