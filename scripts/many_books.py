"""Collect many books of one simulated exchange for long, and say what was lost and what grew.

``python scripts/many_books.py --exchange binance --symbols 200 --minutes 10`` runs a real server beside a
simulated exchange. At the end the market stops, and each book has to be the exchange's own, to the last
digit. Exit code 1 where one is not.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from twap_server.clock import SystemClock
from twap_server.venue.market import MarketParameters, SyntheticSource
from twap_server.venue.registry import PROTOCOLS
from twap_server.venue.server import Venue
from twap_server.venue.source import Event, Pair

_EVERY_S, _WARM_UP_S, _STARTS_WITHIN_S = 10.0, 60.0, 600.0
_LEVELS = 10


class StoppableSource(SyntheticSource):
    """The synthetic market, until it is stopped. Then the first instrument alone moves: a sign of life."""

    stopped = False

    def step(self, time: int) -> Iterator[Event]:
        """Let a step pass for what moves."""
        every = self._listings
        self._listings = every[:1] if self.stopped else every
        try:
            yield from super().step(time)
        finally:
            self._listings = every


@dataclass(slots=True)
class Sample:
    """One look at the server."""

    at_s: float
    memory_mib: float
    live: int
    messages_per_second: float
    resyncs: int


@dataclass(slots=True)
class Found:
    """What came out."""

    samples: list[Sample] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    connections: int = 0

    def slope(self) -> float:
        """MiB a minute after the warm-up, by least squares."""
        points = [(one.at_s / 60, one.memory_mib) for one in self.samples if one.at_s >= _WARM_UP_S]
        if len(points) < 2:
            return 0.0
        middle = [sum(values) / len(points) for values in zip(*points, strict=True)]
        spread = sum((at - middle[0]) ** 2 for at, _ in points)
        return sum((at - middle[0]) * (mib - middle[1]) for at, mib in points) / spread


async def watch(exchange: str, symbols: int, minutes: float) -> Found:
    """Run exchange and server, look, compare."""
    clock = SystemClock()
    protocol = next(one for one in PROTOCOLS if one.name == exchange)
    assets = tuple((f"T{number:03d}", 20 + number) for number in range(symbols))
    source = StoppableSource(
        seed=1,
        clock=clock,
        parameters=MarketParameters(prices=assets, history_minutes=2),
        protocols=[protocol],
    )
    found = Found()
    async with (
        Venue(source, clock=clock) as venue,
        serving(exchange, venue, assets) as (url, pid),
        httpx.AsyncClient(base_url=url, timeout=30) as http,
    ):
        await _look(http, exchange, pid, found, minutes=minutes, wanted=symbols)
        found.connections = len(venue.state()["connections"])  # type: ignore[arg-type]
        source.stopped = True
        await clock.sleep(2)
        found.wrong = [one async for one in _wrong(http, exchange, source)]
    return found


@asynccontextmanager
async def serving(
    exchange: str, venue: Venue, assets: tuple[tuple[str, int], ...]
) -> AsyncIterator[tuple[str, int]]:
    """Run the server as a user would, with all books collected all the time."""
    names = json.dumps([f"{asset}-USDT" for asset, _ in assets])
    urls = "".join(f'{name} = "{value}"\n' for name, value in venue.urls()[exchange].items())
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "twap.toml"
        settings.write_text(
            f'database = "sqlite:///{folder}/twap.sqlite3"\n[exchanges.{exchange}]\nsymbols = {names}\n{urls}'
        )
        command = ["-m", "twap_server", "start", "--port", "0", "--config", str(settings)]
        server = await asyncio.create_subprocess_exec(
            sys.executable, *command, "--exchange", exchange, stdout=asyncio.subprocess.PIPE
        )
        assert server.stdout is not None
        try:
            yield (await server.stdout.readline()).decode().split()[3], server.pid
        finally:
            server.terminate()
            await server.wait()


async def _look(
    http: httpx.AsyncClient, exchange: str, pid: int, found: Found, *, minutes: float, wanted: int
) -> None:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    async with asyncio.timeout(_STARTS_WITHIN_S):
        while (await _sample(http, exchange, pid, 0)).live < wanted:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(1)
    print(f"all {wanted} books live after {loop.time() - begin:.1f} s", flush=True)
    begin = loop.time()
    while (passed := loop.time() - begin) < minutes * 60:
        found.samples.append(await _sample(http, exchange, pid, passed))
        print(found.samples[-1], flush=True)
        await asyncio.sleep(_EVERY_S)


async def _sample(http: httpx.AsyncClient, exchange: str, pid: int, at_s: float) -> Sample:
    every: list[dict[str, Any]] = (await http.get("/exchanges")).raise_for_status().json()
    told = next(one for one in every if one["name"] == exchange)
    return Sample(
        at_s=round(at_s, 1),
        memory_mib=_resident_mib(pid),
        live=told["live_books"],
        messages_per_second=told["messages_per_second"],
        resyncs=told["resyncs"],
    )


def _resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


async def _wrong(http: httpx.AsyncClient, exchange: str, source: StoppableSource) -> AsyncIterator[str]:
    """Name each book that is not the exchange's own; the first one still moves."""
    for pair in list(source.pairs(exchange).values())[1:]:
        symbol = f"{pair.spec.base}-{pair.spec.quote}" + "-PERP" * bool(pair.spec.contract)
        answer = await _book(http, f"/orderbook/{exchange}/{symbol}")
        book = json.loads(answer.text, parse_float=Decimal, parse_int=Decimal)
        if answer.is_error or book["status"] != "live" or not _equal(book, pair):
            yield symbol


async def _book(http: httpx.AsyncClient, path: str) -> httpx.Response:
    """Ask for a book; the server limits how many one address may ask for."""
    while True:
        answer = await http.get(path, params={"depth": _LEVELS})
        if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            return answer
        await asyncio.sleep(float(answer.headers["Retry-After"]))


def _equal(book: dict[str, Any], pair: Pair) -> bool:
    scale, lot = Decimal(10) ** -pair.spec.price_decimals, Decimal("1e-8")
    return all(
        [tuple(level) for level in book[name]]
        == [(price * scale, quantity * lot) for price, quantity in side.top(_LEVELS)]
        for name, side in (("bids", pair.book.bids), ("asks", pair.book.asks))
    )


def main() -> int:
    """Run and give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0] if __doc__ else None)
    parser.add_argument("--exchange", default="binance", choices=[one.name for one in PROTOCOLS])
    parser.add_argument("--symbols", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=10.0)
    given = parser.parse_args()
    found = asyncio.run(watch(given.exchange, given.symbols, given.minutes))
    last = found.samples[-1]
    print(
        f"{given.exchange}: {given.symbols} symbols over {found.connections} connections for "
        f"{given.minutes:g} minutes, {last.messages_per_second:.0f} messages a second at the end, "
        f"{last.resyncs} resyncs, memory {found.samples[0].memory_mib} to {last.memory_mib} MiB "
        f"({found.slope():+.2f} a minute after the first), load {os.getloadavg()[0]:.1f}"
    )
    print(f"books that are not the exchange's own: {', '.join(found.wrong) or 'none'}")
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
