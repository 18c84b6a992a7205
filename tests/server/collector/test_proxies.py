"""How exchanges are reached: straight on this machine, else through the proxy of the environment."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from support.proxies import Proxy, http_proxy, socks_proxy
from twap_client.testing import ScriptedServer
from twap_server.clock import SystemClock
from twap_server.collector.config import CollectorConfig
from twap_server.collector.network import INTERNET
from twap_server.collector.proxies import check_proxies
from twap_server.collector.rate_limit import RequestPurpose
from twap_server.collector.rest import Rest
from twap_server.domain.errors import ExchangeUnavailable, InvalidRequest
from twap_server.domain.market.errors import ConnectionLost
from twap_server.exchanges.kraken.adapter import KrakenExchange


@pytest.fixture(params=["websockets", "picows"])
def config(request: pytest.FixtureRequest) -> CollectorConfig:
    return CollectorConfig(websocket=request.param)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def reached(host: str, config: CollectorConfig) -> None:
    """Fetch over HTTP, and hear a frame of a WebSocket, both from this machine under that name."""

    async def greet(socket: ServerConnection) -> None:
        await socket.send("hello")

    async with ScriptedServer() as http, serve(greet, "127.0.0.1", 0) as ws:
        port = next(iter(ws.sockets)).getsockname()[1]
        async with INTERNET.open_http(config) as client:
            for _ in range(2):
                answer = await client.get(http.url.replace("127.0.0.1", host) + "/exchanges")
                assert answer.status_code == 200
        exchange = KrakenExchange(ws_url=f"ws://{host}:{port}")
        async with INTERNET.open_socket(exchange, config, SystemClock()) as socket:
            assert await socket.receive() == [b"hello"]


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_venue_on_this_machine_is_reached_straight(
    monkeypatch: pytest.MonkeyPatch, config: CollectorConfig, host: str, proxy: str
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy)
    check_proxies([f"http://{host}:1/binance", f"wss://{host}:1/binance"])
    await reached(host, config)


@pytest.mark.parametrize(("run", "scheme"), [(http_proxy, "http"), (socks_proxy, "socks5")])
async def test_an_exchange_is_reached_through_the_proxy(
    monkeypatch: pytest.MonkeyPatch,
    config: CollectorConfig,
    run: Callable[[str], AbstractAsyncContextManager[Proxy]],
    scheme: str,
) -> None:
    async with run("ada:secret") as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url(scheme, "ada:secret"))
        await reached("twap.test", config)
    assert len(proxy.asked) == 2 if scheme == "socks5" else 3
    assert all(" twap.test:" in way for way in proxy.asked)


async def test_a_proxy_that_stands_in_the_way_is_named(
    monkeypatch: pytest.MonkeyPatch, config: CollectorConfig
) -> None:
    exchange = KrakenExchange(ws_url="ws://twap.test:80", rest_url="http://twap.test:80")
    named = r"through the proxy http://127\.0\.0\.1:1 \(ALL_PROXY\) refuses"
    monkeypatch.setenv("ALL_PROXY", "127.0.0.1:1")
    async with INTERNET.open_http(config) as client:
        with pytest.raises(ExchangeUnavailable, match=named):
            rest = Rest(exchange, SystemClock(), client)
            await rest.ask(exchange.instruments(), RequestPurpose.URGENT)
    with pytest.raises(ConnectionLost, match=named):
        async with INTERNET.open_socket(exchange, config, SystemClock()):
            raise AssertionError("it was opened")
    async with http_proxy("ada:secret") as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url("http", "ada:wrong"))
        with pytest.raises(ConnectionLost, match=r"the proxy http://127.* \(ALL_PROXY\) does not let us"):
            async with INTERNET.open_socket(exchange, config, SystemClock()):
                raise AssertionError("it was opened")


def test_a_proxy_that_cannot_be_used_is_told_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks9://ada:secret@proxy:1")
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8,::1/128")
    check_proxies(["http://api.example", "wss://10.2.3.4/ws"])
    with pytest.raises(InvalidRequest, match=r"https_proxy: expected .*, got 'socks9://…@proxy:1'"):
        check_proxies(["wss://ws.example"])
