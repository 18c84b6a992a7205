"""A demo server says that it is one, and lets a page in with the account that it tells."""

import asyncio
import gzip
import re
import sys
from pathlib import Path

import httpx
import pytest

from support.children import environment
from support.collector.stepped import SteppedSource
from twap_models import MarketMode, ServerInfo
from twap_server.bootstrap.demo import first_symbol, serve_venue
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import InvalidRequest
from twap_server.recordings.lines import line_of
from twap_server.venue.registry import PROTOCOLS

BY_NAME = {one.name: one for one in PROTOCOLS}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("okx.jsonl.gz", "is a recording of okx: only those of binance and kraken can be simulated"),
        (".", "is a folder: name a file in it"),
        ("none.jsonl.gz", "there is no recording"),
    ],
)
async def test_what_cannot_be_simulated_is_refused(name: str, words: str, tmp_path: Path) -> None:
    message = line_of((Nanos(1_767_225_600 * SECOND), "in", "wss://ws.okx.com:8443/ws/v5/public", "{}"))
    (tmp_path / "okx.jsonl.gz").write_bytes(gzip.compress(message))
    with pytest.raises(InvalidRequest, match=words):
        await serve_venue(
            host="127.0.0.1", port=0, exchanges=(), recording=tmp_path / name,
            speed=1, seed=1, faults=(), announce=print,
        )  # fmt: skip


async def test_a_page_enters_the_demo_with_what_the_server_tells() -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "twap_server", "start", "--demo", "--port", "0",
        env=environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        async with asyncio.timeout(60):
            url = (await server.stdout.readline()).decode().split()[3]
            async with httpx.AsyncClient(base_url=url, headers={"Origin": url}) as http:
                await enter(http)
            server.terminate()
            assert await server.wait() == 0
    finally:
        if server.returncode is None:
            server.kill()
            await server.wait()


async def test_a_demo_says_what_it_records(tmp_path: Path) -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "twap_server", "start", "--demo", "--port", "0", "--record", str(tmp_path),
        "--exchange", "kraken",
        env=environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert server.stdout is not None and server.stderr is not None
    try:
        async with asyncio.timeout(60):
            while b"Ctrl-C here stops it" not in await server.stdout.readline():
                pass
            server.terminate()
            said = (await server.stderr.read()).decode()
            assert await server.wait() == 0
    finally:
        if server.returncode is None:
            server.kill()
            await server.wait()
    assert f"every message of the exchanges is kept in {tmp_path}" in said
    assert re.search(rf"{re.escape(str(tmp_path))}/kraken: [\d,]+ rows in 1 file", said), said


async def enter(http: httpx.AsyncClient) -> None:
    """As a page does it: the client keeps the cookie and brings it back by itself."""
    told = ServerInfo.from_json((await http.get("/server")).content)
    assert told.market == MarketMode.DEMO and told.demo is not None
    account = {"username": told.demo.username, "password": told.demo.password}
    assert (await http.post("/auth/browser/sign-in", json=account)).status_code == 200
    assert (await http.post("/auth/browser/refresh")).json()["username"] == account["username"]
    assert (await http.post("/auth/browser/log-out")).status_code == 204
    assert (await http.post("/auth/browser/refresh")).status_code == 204, "no cookie is left"


@pytest.mark.parametrize(
    ("name", "symbol"),
    [("binance", "BTC-USDT"), ("binance-usdm", "BTC-USDT-PERP"), ("bitfinex", "BTC-USDT")],
)
def test_what_it_tells_to_trade_is_there(name: str, symbol: str) -> None:
    assert first_symbol(SteppedSource(BY_NAME[name]), name) == symbol
