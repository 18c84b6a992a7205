"""A server that is known to be wrong serves nobody, and says why; how it is, anybody may ask."""

import asyncio
from dataclasses import replace

import pytest
from httpx import ASGITransport, AsyncClient
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from support.api.desk import CHEAP, build
from support.api.live import closed, hear, say, serving
from twap_server.api.app import create_app
from twap_server.api.config import ApiConfig
from twap_server.api.reports_itself import SelfReport

WHY = "this server's clock is an hour off"


class Health:
    """Of a server; its words say what is wrong with it."""

    words = ""

    def __call__(self) -> str:
        return self.words


@pytest.mark.parametrize("prefix", ["", "/twap"])
async def test_everything_but_how_it_is_gets_503_while_it_is_unfit(prefix: str) -> None:
    health = Health()
    services, *_ = build(ApiConfig(passwords=CHEAP, root_path=prefix))
    app = create_app(replace(services, self_report=SelfReport(unfit=health)))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as http:
        body = {"username": "ada", "password": "correct horse"}
        assert (await http.post(f"{prefix}/auth/register", json=body)).status_code == 201
        health.words = WHY
        asked = [("GET", "/"), ("GET", "/exchanges"), ("GET", "/docs"), ("POST", "/orders"), ("GET", "/no")]
        asked += [("POST", "/auth/token"), ("POST", "/auth/refresh"), ("HEAD", "/exchanges")]
        for method, path in asked:
            answer = await http.request(method, prefix + path)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5"), path
            assert answer.headers["X-Request-ID"]
            if method != "HEAD":
                assert answer.headers["Content-Type"] == "application/problem+json"
                told = answer.json()
                assert (told["code"], told["detail"]) == ("unavailable", WHY)
        for path in ("/health", "/ready", "/metrics"):
            assert (await http.get(prefix + path)).status_code == 200
        health.words = ""
        assert (await http.get(f"{prefix}/exchanges")).status_code == 200


@pytest.mark.parametrize("has_signed_in", [True, False])
async def test_streams_are_told_why_and_closed_and_come_back_later(has_signed_in: bool) -> None:
    health = Health()
    async with serving(ApiConfig(passwords=CHEAP), unfit=health) as live:
        async with connect(live.url) as socket:
            if has_signed_in:
                await say(socket, type="auth", token=await live.token())
                assert (await hear(socket))["type"] == "authenticated"
            else:
                while not len(live.services.sessions):
                    await asyncio.sleep(0.01)
            health.words = WHY
            await live.clock.advance(1)
            told = await hear(socket)
            assert (told["code"], told["message"]) == ("unavailable", WHY)
            assert await closed(socket) == 1013
        with pytest.raises(InvalidStatus) as refused:
            async with connect(live.url):
                pass
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["Retry-After"] == "5"
        health.words = ""
        async with live.stream():
            pass
