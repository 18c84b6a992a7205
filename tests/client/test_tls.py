"""A certificate authority of one's own, and a proxy of one's own, for HTTP and the stream alike."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from support.certificates import untrusted
from support.proxies import http_proxy
from twap_client import ConnectFailed, InvalidSetting, TwapClient
from twap_client.testing import ScriptedServer
from twap_models import BookMessage

BTC = "binance:BTC-USDT"


@asynccontextmanager
async def over_tls(folder: Path) -> AsyncIterator[str]:
    """The scripted server behind TLS with a certificate that it signed itself, named localhost."""
    async with ScriptedServer() as server:
        server.add_account("ada", "correct horse")
        port = int(server.url.rpartition(":")[2])
        ends: set[asyncio.StreamWriter] = set()

        async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(65536):
                writer.write(data)
            writer.close()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            inside, outside = await asyncio.open_connection("127.0.0.1", port)
            ends.update((writer, outside))
            await asyncio.gather(pipe(reader, outside), pipe(inside, writer), return_exceptions=True)

        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=untrusted(folder)) as listening:
            yield f"https://localhost:{listening.sockets[0].getsockname()[1]}"
            for end in ends:
                end.transport.abort()


async def everything(url: str, **how: object) -> None:
    async with TwapClient(url, username="ada", password="correct horse", **how) as client:  # type: ignore[arg-type]
        assert (await client.accounts.me()).username == "ada"
        async with asyncio.timeout(10), client.stream([BTC]) as stream:
            assert isinstance(await anext(stream), BookMessage)


async def test_a_certificate_of_ones_own_is_trusted_where_it_is_named(tmp_path: Path) -> None:
    async with over_tls(tmp_path) as url:
        file = tmp_path / "server.pem"
        for verify in (file, str(file), ssl.create_default_context(cafile=file), False):
            await everything(url, verify=verify)
        async with TwapClient(url) as client:
            with pytest.raises(ConnectFailed, match="certificate is not trusted"):
                await client.market.exchanges()


@pytest.mark.parametrize("verify", ["/no/such/file.pem", 7])
def test_no_certificates_are_told_when_the_client_is_made(verify: object) -> None:
    with pytest.raises(InvalidSetting, match="verify: expected a file of PEM certificates"):
        TwapClient("https://host", verify=verify)  # type: ignore[arg-type]


async def test_a_proxy_that_is_named_is_taken_for_this_machine_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with ScriptedServer() as server, http_proxy("") as proxy:
        server.add_account("ada", "correct horse")
        there = server.url.replace("127.0.0.1", "twap.test")
        await everything(there, proxy=proxy.url("http", ""))
        assert {way.partition(" ")[0] for way in proxy.asked} == {"POST", "CONNECT"}
        async with TwapClient(there, proxy="http://127.0.0.1:9") as client:
            with pytest.raises(ConnectFailed, match=r"through the proxy http://127\.0\.0\.1:9 \(proxy\)"):
                await client.market.exchanges()
        await everything(server.url, proxy="")
    with pytest.raises(InvalidSetting, match="proxy: expected http://HOST:PORT"):
        TwapClient("http://host", proxy="nonsense://x")
