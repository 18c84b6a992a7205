"""The real collector on a real socket: parts, and waiting for what must become true."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest

from twap_server.books.interest import BookInterest
from twap_server.books.live import LiveBook, NewBook
from twap_server.books.registry import BookRegistry
from twap_server.clock import SystemClock
from twap_server.collector.config import CollectorConfig, ExchangeConfig
from twap_server.collector.market_data import LiveMarket
from twap_server.collector.network import INTERNET, Network
from twap_server.domain.clock import Clock
from twap_server.domain.market.instrument import InstrumentId
from twap_server.exchanges.registry import EXCHANGES

QUICK: dict[str, Any] = {
    "backoff_initial_ms": 10,
    "backoff_max_s": 1,
    "snapshots_per_minute": 600,
    "resubscribes_per_minute": 600,
}


_T = TypeVar("_T")


async def until(predicate: Callable[[], _T], seconds: float = 10) -> _T:
    """Wait until something is true; fails with the predicate's last value."""
    async with asyncio.timeout(seconds):
        while not (value := predicate()):
            await asyncio.sleep(0.002)
    return value


class HastyClock(SystemClock):
    """Real time in which nobody waits long: what is done now and then is done at once, again and again."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.02))


def market_of(
    urls: dict[str, Any],
    *,
    depth: int = 0,
    clock: Clock | None = None,
    linger_s: int = 60,
    cached: Any = None,
    network: Network = INTERNET,
    new_book: NewBook = LiveBook,
    **settings: Any,
) -> LiveMarket:
    """A collector of these exchanges that does not run yet."""
    clock = clock or SystemClock()
    exchanges = {
        shape.name: ExchangeConfig(**urls[shape.name], depth=depth if shape.name == "kraken" else 0)
        if shape.name in urls
        else ExchangeConfig(enabled=False)
        for shape in EXCHANGES
    }
    config = CollectorConfig(exchanges=exchanges, **(QUICK | settings))
    interest = BookInterest(clock, linger_s=linger_s)
    return LiveMarket(
        EXCHANGES,
        config,
        registry=BookRegistry(),
        interest=interest,
        clock=clock,
        rng=random.Random(1),
        cached=cached,
        network=network,
        new_book=new_book,
    )


@asynccontextmanager
async def collecting(urls: dict[str, Any], **settings: Any) -> AsyncIterator[LiveMarket]:
    async with market_of(urls, **settings) as market:
        yield market


@asynccontextmanager
async def statuses(market: LiveMarket, instrument: InstrumentId) -> AsyncIterator[list[tuple[Any, str]]]:
    """Every status the book goes through from now on."""
    book, seen = market.live_book(instrument), list[tuple[Any, str]]()
    old: Any = LiveBook._set

    def noted(self: LiveBook, status: Any, reason: str, **named: Any) -> None:
        if self is book:
            seen.append((status, reason))
        old(self, status, reason, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LiveBook, "_set", noted)
        yield seen
