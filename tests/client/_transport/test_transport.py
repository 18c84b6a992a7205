"""HTTP: sign-in and renewal, repeats, errors as classes."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from twap_client import (
    ApiError,
    BadRequest,
    ClientConfig,
    Conflict,
    ConnectFailed,
    ConnectionLost,
    MemoryTokenStore,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    RateLimited,
    RequestTimedOut,
    ServerError,
    TwapClient,
    Unavailable,
)
from twap_client.testing import Reply, ScriptedServer, book, candle, exchange, instrument
from twap_client.testing.server import problem


async def test_register_login_me_logout(server: ScriptedServer, config: ClientConfig) -> None:
    store = MemoryTokenStore()
    async with TwapClient(config=config, token_store=store) as client:
        account = await client.accounts.register("grace", "battery staple")
        token = await client.accounts.login("grace", "battery staple")
        assert (account.username, token.expires_in, token.refresh_token) == ("grace", 900, "refresh-1")
        assert (await client.accounts.me()).username == "grace"
        kept = store.load()
        assert kept is not None and kept.username == "grace"
        await client.accounts.logout()
        assert store.load() is None
        with pytest.raises(NotAuthenticated):
            await client.accounts.me()
    assert server.requests[-1].path == "/auth/logout"
    assert server.requests[1].form["grant_type"] == "password"


async def test_a_wrong_password_and_a_taken_name(client: TwapClient) -> None:
    with pytest.raises(NotAuthenticated, match="wrong name or password"):
        await client.accounts.login("ada", "wrong password")
    with pytest.raises(Conflict) as caught:
        await client.accounts.register("ada", "correct horse")
    assert (caught.value.code, caught.value.request_id) == ("username_taken", "req-1")


async def test_many_calls_after_expiry_refresh_once(server: ScriptedServer, client: TwapClient) -> None:
    server.token_lifetime_s = 1
    await client.accounts.login("ada", "correct horse")
    server.token_lifetime_s = 900
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(client.accounts.me())
    assert server.refreshes == 1


async def test_many_calls_with_a_token_the_server_forgot_refresh_once(
    server: ScriptedServer, client: TwapClient
) -> None:
    await client.accounts.login("ada", "correct horse")
    server.revoke()
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(client.accounts.me())
    assert server.refreshes == 1


async def test_an_ended_sign_in_is_renewed_with_the_password(
    server: ScriptedServer, client: TwapClient
) -> None:
    await client.accounts.me()
    server.revoke(refresh=True)
    assert (await client.accounts.me()).username == "ada"


async def test_an_ended_sign_in_without_a_password_is_told(
    server: ScriptedServer, config: ClientConfig
) -> None:
    async with TwapClient(config=config) as client:
        await client.accounts.login("ada", "correct horse")
        server.revoke(refresh=True)
        with pytest.raises(NotAuthenticated):
            await client.accounts.me()
        server.script("POST", "/auth/refresh", problem(400, "invalid_grant", "used already"))
        with pytest.raises(NotAuthenticated):
            await client.accounts.me()


async def test_a_second_client_takes_over_what_the_first_renewed(
    server: ScriptedServer, config: ClientConfig
) -> None:
    store = MemoryTokenStore()
    async with (
        TwapClient(config=config, token_store=store) as first,
        TwapClient(config=config, token_store=store) as second,
    ):
        await first.accounts.login("ada", "correct horse")
        await second.accounts.me()
        server.revoke()
        await first.accounts.me()
        await second.accounts.me()
    assert server.refreshes == 1


async def test_an_api_key_is_sent_instead(server: ScriptedServer, config: ClientConfig) -> None:
    async with TwapClient(config=config, api_key="key-1") as client:
        await client.accounts.me()
    assert server.requests[-1].headers["x-api-key"] == "key-1"
    assert "authorization" not in server.requests[-1].headers


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequest),
        (401, NotAuthenticated),
        (403, NotPermitted),
        (404, NotFound),
        (409, Conflict),
        (418, BadRequest),
        (422, BadRequest),
        (429, RateLimited),
        (500, ServerError),
        (503, Unavailable),
    ],
)
async def test_a_status_is_a_class(
    server: ScriptedServer, client: TwapClient, status: int, kind: type[ApiError]
) -> None:
    server.script("GET", "/exchanges", *[problem(status, "some_code", "in words", retry_after="7")] * 4)
    with pytest.raises(kind, match="in words") as caught:
        await client.market.exchanges()
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.code, caught.value.retry_after) == (status, "some_code", 7)


async def test_wrong_fields_are_named(server: ScriptedServer, client: TwapClient) -> None:
    body = {"title": "", "status": 422, "detail": "invalid", "code": "invalid_request"}
    fields = [
        {"field": "quantity", "message": "too small", "nearest": "0.00009"},
        {"field": "x", "message": "no"},
    ]
    server.script("GET", "/exchanges", Reply(status=422, body=body | {"errors": fields}))
    with pytest.raises(BadRequest) as caught:
        await client.market.exchanges()
    assert [(item.field, item.message, item.nearest) for item in caught.value.errors] == [
        ("quantity", "too small", Decimal("0.00009")),
        ("x", "no", None),
    ]


async def test_a_passing_failure_is_repeated(server: ScriptedServer, client: TwapClient) -> None:
    server.exchanges = [exchange()]
    server.script("GET", "/exchanges", Reply(cut=True), problem(503, "busy", "busy"), Reply(status=502))
    assert await client.market.exchanges() == server.exchanges
    assert len(server.requests) == 4


async def test_after_the_last_attempt_the_failure_is_told(server: ScriptedServer, client: TwapClient) -> None:
    server.script("GET", "/exchanges", *[Reply(cut=True)] * 4)
    with pytest.raises(ConnectionLost):
        await client.market.exchanges()


async def test_no_answer_in_time(server: ScriptedServer, config: ClientConfig) -> None:
    hasty = replace(config, request_timeout=timedelta(milliseconds=60), attempts=1)
    server.script("GET", "/exchanges", Reply(silent=True))
    async with TwapClient(config=hasty) as client:
        with pytest.raises(RequestTimedOut, match=r"0\.06 s"):
            await client.market.exchanges()


async def test_nobody_listens(config: ClientConfig) -> None:
    async with TwapClient("http://127.0.0.1:1", config=config) as client:
        with pytest.raises(ConnectFailed, match=r"cannot reach http://127\.0\.0\.1:1"):
            await client.market.exchanges()


@pytest.mark.parametrize("body", [{"exchanges": []}, [{"name": "binance"}], None])
async def test_an_answer_out_of_contract(server: ScriptedServer, client: TwapClient, body: object) -> None:
    server.script("GET", "/exchanges", Reply(status=203, body=body))
    with pytest.raises(ServerError) as caught:
        await client.market.exchanges()
    assert caught.value.code == "invalid_answer"


async def test_market_data_is_exact(server: ScriptedServer, client: TwapClient) -> None:
    digits = "0.123456789012345678"
    server.instruments = [instrument(tick_size=digits)]
    server.candles = [candle(0, close="99999999999.00000001"), candle(1, closed=False)]
    server.books["aggregate:BTC-USDT"] = book("aggregate:BTC-USDT", bids=[["61837.63", digits]])
    (found,) = await client.market.symbols("binance", base="BTC", q="btc")
    assert found.tick_size == Decimal(digits)
    assert await client.market.klines("binance", "btc/usdt", interval="1h", limit=2) == server.candles
    assert server.requests[-1].path == "/klines/binance/btc-usdt"
    assert server.requests[-1].query == {"interval": "1h", "limit": "2"}
    assert (await client.market.klines("binance", "btc/usdt")).oldest_available is None
    assert (await client.market.orderbook("aggregate", "BTC-USDT", depth=5)).bids[0][1] == Decimal(digits)
    with pytest.raises(NotFound):
        await client.market.orderbook("binance", "NO-SUCH")


async def test_candles_cut_by_the_exchange_say_from_when_on_there_are_some(
    server: ScriptedServer, client: TwapClient
) -> None:
    server.oldest_available = "2026-01-01T11:00:00Z"
    server.candles = [candle(0)]
    found = await client.market.klines("kraken", "BTC-USDT", limit=1000)
    assert (found, found.oldest_available) == (server.candles, datetime(2026, 1, 1, 11, tzinfo=UTC))
    server.oldest_available = "yesterday"
    with pytest.raises(ServerError):
        await client.market.klines("kraken", "BTC-USDT")


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "http://", "http://host/?q=1", "http://h:x"])
def test_a_wrong_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="expected a server address"):
        ClientConfig(base_url=url)


def test_settings_from_the_environment() -> None:
    environ = {"TWAP_SERVER_URL": "https://host/prefix/", "TWAP_API_KEY": "k", "TWAP_TIMEOUT": "250ms"}
    config = ClientConfig.from_env(environ)
    assert (config.base_url, config.api_key) == ("https://host/prefix", "k")
    assert config.request_timeout == timedelta(milliseconds=250)
    assert config.stream_url == "wss://host/prefix/ws"
    assert "'k'" not in repr(config)
    with pytest.raises(ValueError, match="TWAP_TIMEOUT"):
        ClientConfig.from_env({"TWAP_TIMEOUT": "soon"})
