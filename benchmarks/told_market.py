"""The processes that ``benchmarks.nodes`` measures books with: one tells 50 books over NATS, one reads them.

``python -m benchmarks.told_market tell|read URL --seconds N``. The teller is the product's: books that tell,
pulses, answers, fed with 20 messages a second each through the adapter. The reader is a ``ReplicaMarket``;
after each message that it applied it notes the time, and at the end how long after its receipt by the
collector that was: both clocks are this machine's. Each prints one JSON object.
"""

import argparse
import asyncio
import json
import random
import sys
import time

from benchmarks.synthetic_market import BOOKS, Feed, instrument
from twap_server.books.interest import BookInterest
from twap_server.books.registry import BookRegistry
from twap_server.clock import SystemClock
from twap_server.cluster.market_messages import ChangeTold, book_told
from twap_server.cluster.market_teller import MarketTeller
from twap_server.cluster.messenger import MessageSubscription, Messenger, Reply, Take
from twap_server.cluster.nats_messenger import NatsMessenger
from twap_server.cluster.replica_market import ReplicaMarket
from twap_server.cluster.subjects import Subjects
from twap_server.cluster.telling import Telling
from twap_server.collector.config import CollectorConfig
from twap_server.collector.market_data import LiveMarket
from twap_server.domain.market.events import BookStatus
from twap_server.domain.ownership import ExchangePart
from twap_server.exchanges.binance.spot import BinanceExchange

_SUBJECTS = Subjects("bench")
_WARM_UP_S = 2.0


class _Watched:
    """A messenger that notes when each message of a book had been taken."""

    def __init__(self, inner: Messenger) -> None:
        self._inner = inner
        self.noted: list[tuple[int, bytes]] = []
        self.on_return = inner.on_return
        self.publish = inner.publish
        self.ask = inner.ask

    @property
    def is_connected(self) -> bool:
        """Whether others can be reached."""
        return self._inner.is_connected

    async def answer(self, subject: str, reply: Reply) -> MessageSubscription:
        """Answer questions."""
        return await self._inner.answer(subject, reply)

    async def listen(self, subject: str, take: Take) -> MessageSubscription:
        """Listen, and note the time behind each message."""
        if ".book." not in subject:
            return await self._inner.listen(subject, take)

        def watched(body: bytes) -> None:
            take(body)
            self.noted.append((time.time_ns(), body))

        return await self._inner.listen(subject, watched)


async def tell(url: str, seconds: float) -> dict[str, float]:
    """Tell the books for so long; gives messages and processor time of the telling part of it."""
    clock, listed = SystemClock(), [instrument(number) for number in range(BOOKS)]
    exchange = BinanceExchange()
    exchange.learn(listed)
    async with NatsMessenger.connected(url, name="teller") as messenger:
        telling = Telling(messenger, _SUBJECTS, epoch=1, clock=clock)
        market = LiveMarket(
            [BinanceExchange],
            CollectorConfig(),
            registry=BookRegistry(),
            interest=BookInterest(clock),
            clock=clock,
            rng=random.Random(1),
            cached={"binance": listed},
            new_book=telling.new_book,
        )
        teller = MarketTeller(
            ExchangePart("binance"),
            market,
            telling,
            messenger=messenger,
            subjects=_SUBJECTS,
            clock=clock,
            max_books=BOOKS,
        )
        async with asyncio.TaskGroup() as group:
            feed = Feed(market.registry, exchange, listed, telling.new_book)
            tasks = [group.create_task(feed.run()), group.create_task(teller.run())]
            await asyncio.sleep(_WARM_UP_S)
            cpu, sent = time.process_time(), feed.sent
            await asyncio.sleep(seconds)
            cpu, sent = time.process_time() - cpu, feed.sent - sent
            for task in tasks:
                task.cancel()
    return {"cpu_s": cpu, "messages": sent}


async def read(url: str, seconds: float) -> dict[str, float]:
    """Read the books for so long; gives how late their changes were, and the processor time."""
    clock, listed = SystemClock(), [instrument(number) for number in range(BOOKS)]
    async with NatsMessenger.connected(url, name="reader") as inner:
        messenger = _Watched(inner)
        market = ReplicaMarket(
            [BinanceExchange],
            CollectorConfig(),
            node="reader",
            messenger=messenger,
            subjects=_SUBJECTS,
            registry=BookRegistry(),
            interest=BookInterest(clock),
            clock=clock,
            cached={"binance": listed},
        )
        for one in listed:
            market.hold(one.id, "benchmark")
        async with asyncio.TaskGroup() as group:
            running = group.create_task(market.run())
            for one in listed:
                await market.wait_live(one.id, 60)
            await asyncio.sleep(_WARM_UP_S / 2)
            messenger.noted.clear()
            cpu = time.process_time()
            await asyncio.sleep(seconds)
            cpu = time.process_time() - cpu
            noted = list(messenger.noted)
            live = sum(book.status is BookStatus.LIVE for book in market.registry)
            running.cancel()
    late = sorted(at - told.ts_received for at, told in _changes(noted))
    return {
        "cpu_s": cpu,
        "messages": len(noted),
        "live": live,
        "p50_us": late[len(late) // 2] / 1e3,
        "p99_us": late[len(late) * 99 // 100] / 1e3,
        "max_us": late[-1] / 1e3,
    }


def _changes(noted: list[tuple[int, bytes]]) -> list[tuple[int, ChangeTold]]:
    read_ones = [(at, book_told(body)) for at, body in noted]
    return [(at, told) for at, told in read_ones if isinstance(told, ChangeTold)]


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("tell", "read"))
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    work = tell if given.what == "tell" else read
    sys.stdout.write(json.dumps(asyncio.run(work(given.url, given.seconds))))


if __name__ == "__main__":
    main()
