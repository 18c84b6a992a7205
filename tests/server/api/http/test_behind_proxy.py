"""Behind a proxy: prefixes kept or cut off, links, documents, streams; and whose word counts."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import pytest
from fastapi import FastAPI, Request
from httpx import ASGITransport, AsyncClient, Response
from pydantic import ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from support.api.desk import CHEAP, PASSWORD, build
from support.api.live import serving
from twap_client import TwapClient
from twap_models import BookMessage
from twap_server.api.app import create_app
from twap_server.api.config import ApiConfig
from twap_server.api.server import HttpServer, Listening

PROXY = "10.9.8.7"
ORDER = {
    "exchange": "binance",
    "symbol": "BTC-USDT",
    "quantity": 1,
    "duration": "1h",
    "interval": 60,
}


def configured(**change: Any) -> ApiConfig:
    return ApiConfig.model_validate({"passwords": CHEAP, **change})


def http(config: ApiConfig, peer: str = PROXY, **headers: str) -> AsyncClient:
    app = create_app(build(config)[0])
    return AsyncClient(
        transport=ASGITransport(app, client=(peer, 1)), base_url="http://testserver", headers=headers
    )


SETTING = configured(root_path="/twap")
TRUSTING = configured(trusted_proxies=["10.9.8.0/24"])
TOLD = {"X-Forwarded-Prefix": "/twap"}


@pytest.mark.parametrize(
    ("config", "headers", "seen_by_us"),
    [
        (SETTING, {}, "/twap"),
        (SETTING, {}, ""),
        (TRUSTING, TOLD, ""),
        (configured(root_path="/other", trusted_proxies=["10.9.8.7"]), TOLD, ""),
        (TRUSTING, {"X-Forwarded-Prefix": "/twap/"}, ""),
    ],
    ids=["kept by the proxy", "cut off by the proxy", "told by the proxy", "the proxy knows better", "slash"],
)
async def test_all_is_right_behind_a_prefix(
    config: ApiConfig, headers: dict[str, str], seen_by_us: str
) -> None:
    async with http(config, **headers) as client:
        document = (await client.get(f"{seen_by_us}/openapi.json")).json()
        assert document["servers"] == [{"url": "/twap"}]
        page = await client.get(f"{seen_by_us}/docs")
        assert page.status_code == 200
        for asset in ("docs/start.js", "docs/assets/swagger-ui.css", "openapi.json"):
            outside = urljoin("https://host/twap/docs", asset)
            path = seen_by_us + outside.removeprefix("https://host/twap")
            assert (await client.get(path)).status_code == 200, outside
        assert await pages(client, seen_by_us, outside="https://host/twap") == ["c", "b", "a"]


async def pages(client: AsyncClient, seen_by_us: str, *, outside: str) -> list[str]:
    """Follow Link as a client outside of the proxy does."""
    form = {"username": "ada", "password": PASSWORD}
    assert (await client.post(f"{seen_by_us}/auth/register", json=form)).status_code == 201
    token = (await client.post(f"{seen_by_us}/auth/token", data=form)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    orders = [{**ORDER, "token_id": name} for name in "abc"]
    assert (await client.post(f"{seen_by_us}/orders/twap", json=orders, headers=headers)).status_code == 201
    url, seen = f"{outside}/orders?limit=1&status=open", []
    while url:
        assert url.startswith(f"{outside}/orders?")
        answer = await client.get(seen_by_us + url.removeprefix(outside), headers=headers)
        seen += [order["token_id"] for order in answer.json()]
        url = urljoin(url, answer.links["next"]["url"]) if "next" in answer.links else ""
    return seen


@pytest.mark.parametrize(
    ("config", "peer", "headers"),
    [
        (configured(), PROXY, TOLD),
        (TRUSTING, "192.0.2.1", TOLD),
        (TRUSTING, PROXY, {"X-Forwarded-Prefix": "//evil.example"}),
        (TRUSTING, PROXY, {"X-Forwarded-Prefix": "/a, /b"}),
        (TRUSTING, PROXY, {"X-Forwarded-Prefix": "https://evil.example"}),
        (TRUSTING, PROXY, {"X-Forwarded-Prefix": "/" + "a" * 300}),
        (TRUSTING, PROXY, {"X-Forwarded-Prefix": "/"}),
    ],
)
async def test_a_prefix_that_is_not_believed_changes_nothing(
    config: ApiConfig, peer: str, headers: dict[str, str]
) -> None:
    async with http(config, peer, **headers) as client:
        assert "servers" not in (await client.get("/openapi.json")).json()
        assert (await client.get("/health")).status_code == 200


async def test_links_are_right_behind_a_proxy_we_do_not_know_of() -> None:
    async with http(configured()) as client:
        assert await pages(client, "", outside="https://host/any/where") == ["c", "b", "a"]


@pytest.mark.parametrize("text", ["twap", "/twap/", "/", "//twap", "/twap?x", "https://host/twap", "/twäp"])
def test_a_prefix_that_is_none_is_a_wrong_setting(text: str) -> None:
    with pytest.raises(ValidationError, match="root_path"):
        configured(root_path=text)


@pytest.mark.parametrize("text", ["proxy", "10.0.0.0/33", "*"])
def test_a_proxy_without_an_address_is_a_wrong_setting(text: str) -> None:
    with pytest.raises(ValidationError, match="trusted_proxies"):
        configured(trusted_proxies=[text])


async def guess(client: AsyncClient, forwarded: str) -> Response:
    form = {"username": "ada", "password": "wrong"}
    return await client.post("/auth/token", data=form, headers={"X-Forwarded-For": forwarded})


@pytest.mark.parametrize(
    ("config", "client_is_believed"), [(configured(), False), (TRUSTING, True)], ids=["unknown", "trusted"]
)
async def test_attempts_count_by_the_address_a_trusted_proxy_names(
    config: ApiConfig, client_is_believed: bool
) -> None:
    async with http(config) as client:
        for _ in range(10):
            assert (await guess(client, "1.1.1.1")).status_code == 401
        assert (await guess(client, "1.1.1.1")).status_code == 429
        other = await guess(client, "2.2.2.2")
        assert other.status_code == (401 if client_is_believed else 429)
        chosen_by_the_caller = await guess(client, "3.3.3.3, 1.1.1.1")
        assert chosen_by_the_caller.status_code == 429


async def test_the_server_itself_believes_no_forwarding_header_from_loopback() -> None:
    app = FastAPI()

    @app.get("/")
    async def who(request: Request) -> str:
        assert request.client is not None
        return f"{request.client.host} {request.url.scheme}"

    with Listening("127.0.0.1", 0) as listening:
        server = HttpServer(app, listening)
        async with asyncio.TaskGroup() as group, AsyncClient(base_url=listening.url) as client:
            group.create_task(server.run())
            forged = {"X-Forwarded-For": "1.1.1.1", "X-Forwarded-Proto": "https"}
            assert (await client.get("/", headers=forged)).json() == "127.0.0.1 http"
            server.stop()


def cut_off(prefix: str) -> Callable[[ASGIApp], ASGIApp]:
    """A proxy that serves only what is below a prefix, and does not tell us of it."""

    def around(app: ASGIApp) -> ASGIApp:
        async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
            assert scope["path"].startswith(f"{prefix}/"), scope["path"]
            await app({**scope, "path": scope["path"].removeprefix(prefix)}, receive, send)

        return proxy

    return around


@pytest.mark.parametrize(
    ("config", "around"),
    [(SETTING, lambda app: app), (SETTING, cut_off("/twap")), (configured(), cut_off("/twap"))],
    ids=["kept", "cut off", "cut off, not set"],
)
async def test_the_client_works_behind_a_prefix(
    config: ApiConfig, around: Callable[[ASGIApp], ASGIApp]
) -> None:
    async with serving(config, around=around) as live:
        base = f"{str(live.http.base_url).rstrip('/')}/twap"
        async with TwapClient(base, username="ada", password=PASSWORD) as client:
            await client.accounts.register("ada", PASSWORD)
            for name in ("a", "b", "c"):
                await client.orders.submit(**ORDER, token_id=name, side="buy")
            listed = [order.token_id async for order in client.orders.list(limit=1)]
            assert listed == ["c", "b", "a"]
            async with client.stream(books=["binance:BTC-USDT"]) as stream:
                assert isinstance(await anext(stream), BookMessage)
