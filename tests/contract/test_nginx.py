"""The how-to with nginx, done: its files, a real nginx, a real server behind it."""

import asyncio
import socket
import ssl
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from docs.pages import ROOT, blocks_of
from support import nginx
from support.certificates import untrusted
from support.live import PASSWORD, simulated, until_listed
from support.oidc import CLIENT, SECRET, provider
from twap_client import TwapClient
from twap_models import BookMessage

pytestmark = pytest.mark.skipif(bool(nginx.WHY_NOT), reason=nginx.WHY_NOT)
NAME = "twap.example.com"
CHEAP = {"memory_kib": 8, "passes": 1, "lanes": 1}


def block(language: str) -> str:
    return next(one.text for one in blocks_of(ROOT / "docs/nginx.md") if one.language == language)


@dataclass(frozen=True, kw_only=True)
class Front:
    """What is reached from outside."""

    url: str
    plain: str
    """Without TLS."""
    inside: str
    """The server itself."""
    trust: ssl.SSLContext

    def caller(self, address: str = "127.0.0.1", base: str = "") -> httpx.AsyncClient:
        """Somebody who calls from an address of loopback."""
        transport = httpx.AsyncHTTPTransport(verify=self.trust, local_address=address)
        return httpx.AsyncClient(base_url=base or self.url, transport=transport)


@asynccontextmanager
async def fronted(folder: Path, **api: Any) -> AsyncIterator[Front]:
    """Server and nginx as the page says, but for ports, certificate, and the name ``localhost``."""
    untrusted(folder)
    certificate = folder / "server.pem"
    settings = tomllib.loads(block("toml").replace(NAME, "localhost"))
    assert settings.pop("host") == "127.0.0.1" and settings.pop("port") == 8000
    assert settings["api"]["registration"] == "invite"
    whole = settings["api"] | {"passwords": CHEAP, "registration": "open"} | api
    tls, plain = nginx.free_ports(2)
    async with simulated(folder, api=whole) as inside:
        changed = {
            NAME: "localhost",
            "listen 443 ssl": f"listen 127.0.0.1:{tls} ssl",
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "server 127.0.0.1:8000;": f"server {urlsplit(inside).netloc};",
            "/etc/ssl/twap/fullchain.pem": str(certificate),
            "/etc/ssl/twap/privkey.pem": str(certificate),
        }
        async with nginx.running(folder, block("nginx"), changed):
            yield Front(
                url=f"https://localhost:{tls}/twap",
                plain=f"http://localhost:{plain}/twap",
                inside=inside,
                trust=ssl.create_default_context(cafile=certificate),
            )


async def test_sign_in_and_stream_with_the_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with fronted(tmp_path) as front:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
        await until_listed(f"{front.inside}/twap", "binance")
        async with asyncio.timeout(60), TwapClient(front.url) as client:
            await client.accounts.register("ada", PASSWORD)
            await client.accounts.login("ada", PASSWORD)
            assert (await client.accounts.me()).username == "ada"
            await client.market.orderbook("binance", "BTCUSDT")
            seen = 0
            async with client.stream(["binance:BTC-USDT"], orders=True) as stream:
                async for message in stream:
                    seen += isinstance(message, BookMessage)
                    if seen == 3:
                        break


async def test_the_prefix_the_way_to_tls_and_http_2(tmp_path: Path) -> None:
    async with fronted(tmp_path) as front, front.caller() as caller:
        document = (await caller.get("/openapi.json")).json()
        assert document["servers"] == [{"url": "/twap"}]
        page = await caller.get("/docs")
        assert page.status_code == 200
        assert (await caller.get("/docs/assets/swagger-ui.css")).status_code == 200
        assert (await caller.get(front.url.removesuffix("/twap") + "/health")).status_code == 404
        moved = await caller.get(f"{front.plain}/health?a=b")
        assert (moved.status_code, moved.headers["location"]) == (
            301,
            "https://localhost/twap/health?a=b",
        )
        assert await asyncio.to_thread(spoken, front) == "h2"
        large = await caller.post("/auth/register", content=b"x" * 2_000_000)
        assert large.status_code == 413


def spoken(front: Front) -> str | None:
    """What nginx speaks with who knows HTTP/2."""
    front.trust.set_alpn_protocols(["h2", "http/1.1"])
    parts = urlsplit(front.url)
    with (
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as raw,
        front.trust.wrap_socket(raw, server_hostname="localhost") as tls,
    ):
        return tls.selected_alpn_protocol()


async def test_attempts_are_counted_by_the_address_that_nginx_saw(tmp_path: Path) -> None:
    async with fronted(tmp_path, passwords=CHEAP | {"max_failures": 2}) as front:
        body = {"username": "ada", "password": PASSWORD}
        wrong = body | {"password": "wrong"}
        async with front.caller("127.0.0.5") as owner:
            assert (await owner.post("/auth/register", json=body)).status_code == 201
        async with front.caller("127.0.0.2") as guesser:
            answers = [(await guesser.post("/auth/token", data=wrong)).status_code for _ in range(3)]
            assert answers == [401, 401, 429]
            for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
                told = "for=127.0.0.9" if name == "Forwarded" else "127.0.0.9"
                lie = {name: told}
                assert (await guesser.post("/auth/token", data=wrong, headers=lie)).status_code == 429
        async with front.caller("127.0.0.3") as other:
            assert (await other.post("/auth/token", data=body)).status_code == 200
        # Who reaches the server itself is not believed either.
        async with front.caller("127.0.0.4", f"{front.inside}/twap") as direct:
            lies = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in range(3)]
            answers = [
                (await direct.post("/auth/token", data=wrong, headers=lie)).status_code for lie in lies
            ]
            assert answers == [401, 401, 429]


async def test_accounts_are_counted_by_the_address_that_nginx_saw(tmp_path: Path) -> None:
    async with fronted(tmp_path, accounts_per_address_per_day=1) as front:
        for number, (address, status) in enumerate(
            [("127.0.0.2", 201), ("127.0.0.2", 429), ("127.0.0.3", 201)]
        ):
            async with front.caller(address) as caller:
                body = {"username": f"user{number}", "password": PASSWORD}
                lie = {"X-Forwarded-For": f"192.0.2.{number}"}
                assert (await caller.post("/auth/register", json=body, headers=lie)).status_code == status


async def test_a_provider_sends_browsers_back_to_nginx(tmp_path: Path) -> None:
    async with provider(lambda: 0) as made:
        oidc = {"issuer": made.url, "client_id": CLIENT, "client_secret": SECRET}
        async with fronted(tmp_path, oidc=oidc) as front, front.caller() as caller:
            started = await caller.get("/auth/oidc/start", params={"code_challenge": "c" * 43})
            asked = parse_qs(urlsplit(started.headers["location"]).query)
            assert asked["redirect_uri"] == [f"{front.url}/auth/oidc/callback"]
            cookie = started.headers["set-cookie"]
            assert "Path=/twap/auth/oidc/callback" in cookie
            assert "Secure" in cookie and "HttpOnly" in cookie and "SameSite=lax" in cookie


async def test_a_name_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    async with fronted(tmp_path) as front, front.caller() as caller:
        assert (await caller.get("/health")).status_code == 200
        answer = await caller.get("/health", headers={"Host": "evil.example"})
        assert answer.status_code == 421
