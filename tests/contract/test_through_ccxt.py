"""Real ccxt against the simulated exchanges over real sockets: books, an order, a killed process, the end."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import httpx
import psutil
import pytest

from support.live import serving, signed_in
from twap_client import TwapClient
from twap_client.errors import Unavailable
from twap_models import BookMessage, Exchange, OrderEvent, OrderStatus
from twap_models.enums import Integrity
from twap_server.clock import SystemClock
from twap_server.venue.market import SyntheticSource
from twap_server.venue.server import Venue

INSTALL = "pip install ./packages/twap-models './packages/twap-server[ccxt]'"
_LONG_S = 180
"""Where Python compiles ccxt for the first time, its process starts in half a minute."""

real = pytest.mark.skipif(
    find_spec("ccxt") is None, reason="ccxt is not installed: the extra ccxt of twap-server"
)


def processes() -> list[psutil.Process]:
    return [one for one in psutil.Process().children() if "twap_server.bridge" in " ".join(one.cmdline())]


async def reason_of(url: str, name: str, words: str) -> Exchange:
    """Wait until the exchange's reason says this."""
    async with TwapClient(url) as client, asyncio.timeout(_LONG_S):
        while True:
            found = next(one for one in await client.market.exchanges() if one.name == name)
            if words in (found.reason or ""):
                return found
            await asyncio.sleep(0.05)


async def until_live(client: TwapClient, exchange: str) -> None:
    async with asyncio.timeout(_LONG_S):
        while True:
            with suppress(Unavailable):
                if (await client.market.orderbook(exchange, "BTC-USDT")).status == "live":
                    return
            await asyncio.sleep(0.05)


@asynccontextmanager
async def collected(folder: Path) -> AsyncIterator[str]:
    """ccxt's Binance US and Kraken, which speak with the simulated Binance and Kraken."""
    clock = SystemClock()
    async with Venue(SyntheticSource(seed=7, clock=clock), clock=clock) as venue:
        at = f"127.0.0.1:{venue.port}"
        urls = {
            f"ccxt:{name}": {"ws_url": f"ws://{at}/{path}", "rest_url": f"http://{at}/{path}"}
            for name, path in (("binanceus", "binance"), ("kraken", "kraken"))
        }
        async with serving(folder, urls) as url:
            yield url


@pytest.mark.long
@real
async def test_books_an_order_and_a_killed_process(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    async with collected(tmp_path) as url:
        async with TwapClient(url) as client:
            for name in ("ccxt-binanceus", "ccxt:kraken"):
                await until_live(client, name)
            candles = await client.market.klines("ccxt:binanceus", "BTCUSDT", interval="1m", limit=5)
            assert len(candles) == 5
        assert any("ccxt-kraken: this market is collected without ccxt too" in one for one in caplog.messages)
        told = await reason_of(url, "ccxt-binanceus", "through ccxt")
        assert told.integrity == Integrity.NONE
        async with signed_in(url) as client:
            await _buys(client)
            await _survives_its_process(client)
    assert not processes()


async def _buys(client: TwapClient) -> None:
    accepted = await client.orders.submit(
        exchange="ccxt:binanceus",
        symbol="BTC/USDT",
        side="buy",
        quantity="0.01",
        duration=2,
        slices=2,
        token_id="c",
    )
    assert any("ccxt-binanceus gives no proof" in warning for warning in accepted.warnings)
    async with asyncio.timeout(_LONG_S):
        async for message in client.stream(orders=True, since=0):
            if isinstance(message, OrderEvent) and not message.order.status.is_open:
                break
    order = await client.orders.get("c")
    assert order.status is OrderStatus.FILLED
    assert {fill.exchange for fill in order.fills} == {"ccxt-binanceus"}


async def _survives_its_process(client: TwapClient) -> None:
    """The book is not live from the moment on at which the process is gone; the next one brings it back."""
    (victim,) = [one for one in processes() if "binanceus" in one.cmdline()]
    async with client.stream(books=["ccxt:binanceus:BTC-USDT"]) as stream:
        victim.send_signal(signal.SIGKILL)
        await asyncio.to_thread(victim.wait)
        async with asyncio.timeout(_LONG_S):
            statuses: list[str] = []
            async for message in stream:
                if isinstance(message, BookMessage) and statuses[-1:] != [message.status]:
                    statuses.append(message.status)
                if len(statuses) > 1 and statuses[-1] == "live":
                    break
    assert any(one in ("stale", "down") for one in statuses), statuses
    (heir,) = [one for one in processes() if "binanceus" in one.cmdline()]
    assert heir.pid != victim.pid
    found = await client.market.orderbook("ccxt-kraken", "BTC-USDT")
    assert found.status == "live"


@real
async def test_a_name_that_ccxt_does_not_know(tmp_path: Path) -> None:
    async with serving(tmp_path, {"ccxt-upbitt": {}}) as url:
        await reason_of(url, "ccxt-upbitt", "knows no exchange 'upbitt', did you mean upbit")
        async with httpx.AsyncClient(base_url=url) as http:
            answer = await http.get("/exchanges/ccxt:upbitt/symbols")
        assert answer.status_code == 503
        assert "did you mean upbit" in answer.json()["detail"]
    assert not processes()


async def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = tmp_path / "hidden" / "ccxt"
    hidden.mkdir(parents=True)
    missing = "raise ModuleNotFoundError(\"No module named 'ccxt'\", name='ccxt')\n"
    (hidden / "__init__.py").write_text(missing)
    monkeypatch.setenv("PYTHONPATH", str(hidden.parent))
    async with serving(tmp_path, {"ccxt-upbit": {}}) as url:
        found = await reason_of(url, "ccxt-upbit", f"ccxt is not installed: from a checkout, {INSTALL}")
        assert found.status == "down"
    assert not processes()
