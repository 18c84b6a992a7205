"""How many depth messages a second come from a real loopback socket into a live book, on one core.

A sender on another core sends prebuilt frames as fast as they are taken. Contenders: receiving alone with
``websockets``; receiving and decoding into the product's own wire type with msgspec; and the product's
collector (its session, connection, adapter and book, update ids checked), each on asyncio's loop and on
uvloop. Faster receivers are there for comparison only.
"""

import asyncio
import importlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx
import msgspec
from websockets.asyncio.client import connect

from benchmarks.harness import synthetic
from benchmarks.harness.command import Options, run
from benchmarks.harness.figures import Figure, Part, Target, at_least, at_most
from benchmarks.harness.machine import pin, versioned
from benchmarks.harness.sender import sending
from twap_server.books.live import LiveBook
from twap_server.books.traded_volume import TradedVolume
from twap_server.clock import SystemClock
from twap_server.collector.config import CollectorConfig
from twap_server.collector.context import SessionContext, session_context
from twap_server.collector.history import History
from twap_server.collector.network import INTERNET, Network
from twap_server.collector.recorded_network import RecordedExchanges
from twap_server.collector.session import ExchangeSession
from twap_server.domain.clock import Nanos
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId
from twap_server.exchanges.binance import wire
from twap_server.exchanges.binance.spot import BinanceExchange
from twap_server.recordings.manifest import Retention
from twap_server.recordings.native import LineWriter
from twap_server.recordings.packing import new_packer
from twap_server.recordings.writer import RecordingWriter
from twap_server.runtime import garbage

_MESSAGES = 60_000
_RECEIVER_CORE, _SENDER_CORE = 0, 1
_TIMEOUT_S = 60.0
_BURST = 300  # what a recording writes at once
_ALONE, _DECODED, _BOOK = "receive alone", "receive and decode", "receive to book"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a receiver needed from its second message to its last."""

    messages: int
    wall_s: float
    cpu_s: float
    """Of the whole process."""
    loop_s: float
    """Of that, the event loop's thread."""

    @property
    def per_cpu_second(self) -> float:
        return self.messages / self.cpu_s

    @property
    def cpu_each(self) -> float:
        return self.cpu_s / self.messages

    @property
    def loop_each(self) -> float:
        return self.loop_s / self.messages


def measure(options: Options) -> Part:
    """Run all contenders in rounds, each in a fresh process."""
    found = synthetic.stream(_MESSAGES // 10 if options.quick else _MESSAGES)
    runs: dict[str, list[Taken]] = {}
    notes: list[str] = []
    with sending(found, core=_SENDER_CORE) as port:
        names = [name for name in _CONTENDERS if _is_here(name, notes)]
        for _ in range(options.repeats):
            for name in names:
                runs.setdefault(name, []).append(_in_process(name, port, len(found.messages)))
    part = Part("receive", "From a real socket to the book", notes=[*_reading(len(found.messages)), *notes])
    for name, taken in runs.items():
        job, who, *_ = _CONTENDERS[name]
        part.figures.append(Figure(job, who, "messages/s", [one.messages / one.wall_s for one in taken]))
        part.figures.append(
            Figure(job, who, "messages per CPU second", [one.per_cpu_second for one in taken])
        )
        if name in ("book", "recorded-book"):
            unit = "messages per CPU second of the event loop's thread"
            part.figures.append(Figure(job, who, unit, [one.messages / one.loop_s for one in taken]))
    rounds = zip(runs["book"], runs["decoded"], strict=True)
    ratio = statistics.median(book.per_cpu_second / decoded.per_cpu_second for book, decoded in rounds)
    part.targets += _of_recording(runs)
    if "fast-book" in runs:
        rounds = zip(runs["fast-book"], runs["book"], strict=True)
        gain = statistics.median(fast.per_cpu_second / usual.per_cpu_second for fast, usual in rounds)
        wanted = (
            "receive to book: with picows at least 1.4 times as fast as with websockets (CPU time, asyncio)"
        )
        part.targets.append(at_least(wanted, gain, 1.4, "{:.2f} times"))
    part.targets.append(
        at_least(
            "receive to book: at least 0.6 times receive-and-decode alone (CPU time, asyncio)",
            ratio,
            0.6,
            "{:.2f} times",
        )
    )
    return part


def _of_recording(runs: dict[str, list[Taken]]) -> Iterator[Target]:
    """What recording adds, to the event loop and in all; and what packing alone would add."""
    usual, kept, packed = runs["book"], runs["recorded-book"], runs["packed"]
    of_loop = [more.loop_each / less.loop_each for less, more in zip(usual, kept, strict=True)]
    of_all = [more.cpu_each / less.cpu_each for less, more in zip(usual, kept, strict=True)]
    floor = [1 + alone.cpu_each / less.cpu_each for less, alone in zip(usual, packed, strict=True)]
    wanted = "receive to book: recording costs the event loop's thread at most a tenth more CPU time"
    yield at_most(wanted, statistics.median(of_loop), 1.1, "{:.2f} times")
    wanted = (
        "receive to book: recording costs the whole process, its thread too, at most a tenth more CPU time"
    )
    words = f"{{:.2f}} times; {statistics.median(floor):.2f} were it packing alone"
    yield at_most(wanted, statistics.median(of_all), 1.1, words)


def _reading(count: int) -> list[str]:
    return [
        f"{count:,} messages of the synthetic stream (462 bytes, ten changed levels); the receiver has a "
        "core to itself. The target compares CPU seconds, which other processes disturb least.",
        "Receive to book is the product: session, connection, decoding, check of the numbers and "
        "of the update ids, book, crossed-book check; the book is live throughout, so no message is missing.",
        "Recorded: the event loop's thread alone is what others wait for; the whole process is that and the "
        "thread that writes, up to the end of the file. Both have one core here; elsewhere that thread has "
        "another. Packing alone is what no change of the rest can save.",
    ]


def _is_here(name: str, notes: list[str]) -> bool:
    for library in _CONTENDERS[name][2]:
        try:
            importlib.import_module(library)
        except ImportError:
            notes.append(f"{library} is not installed: {_CONTENDERS[name][1]} was left out")
            return False
    return True


def _in_process(name: str, port: int, count: int) -> Taken:
    command = [sys.executable, "-m", "benchmarks.receive", "--receiver", name, str(port), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    return Taken(**json.loads(done.stdout))


# In the receiver's process


class _Watch:
    """Clocks from the first message on."""

    def __init__(self) -> None:
        self._begun = (0.0, 0.0, 0.0)

    def start(self) -> None:
        self._begun = self._now()

    def taken(self, messages: int) -> Taken:
        wall, cpu, loop = (now - begun for now, begun in zip(self._now(), self._begun, strict=True))
        return Taken(messages, wall, cpu, loop)

    @staticmethod
    def _now() -> tuple[float, float, float]:
        return time.perf_counter(), time.process_time(), time.thread_time()


async def _websockets(port: int, count: int, decode: Callable[[bytes], object] | None) -> Taken:
    watch = _Watch()
    async with connect(f"ws://127.0.0.1:{port}/plain", compression=None, max_size=None) as socket:
        await socket.recv(decode=False)
        watch.start()
        for _ in range(count - 1):
            raw = await socket.recv(decode=False)
            if decode is not None:
                decode(raw)
        return watch.taken(count - 1)


async def _alone(port: int, count: int) -> Taken:
    return await _websockets(port, count, None)


async def _decoded(port: int, count: int) -> Taken:
    return await _websockets(port, count, msgspec.json.Decoder(wire.SpotFrame).decode)


async def _fast_book(port: int, count: int) -> Taken:
    return await _book(port, count, CollectorConfig(websocket="picows"))


async def _usual_book(port: int, count: int) -> Taken:
    return await _book(port, count, CollectorConfig())


async def _recorded_book(port: int, count: int) -> Taken:
    """All that is written counts: the processor time is the whole process's, up to the end of the file."""
    with tempfile.TemporaryDirectory() as folder:
        writer = RecordingWriter(
            Path(folder), segment_s=600, retention=Retention(0, timedelta(0)), on_trouble=sys.exit
        )
        writer.begin()
        exchange = BinanceExchange(rest_url=f"http://127.0.0.1:{port}")
        network = RecordedExchanges(INTERNET, {exchange: writer}, SystemClock()).network()
        taken = await _book(port, count, CollectorConfig(), network)
        before = time.process_time()
        writer.end()
        behind = time.process_time() - before
    return replace(taken, cpu_s=taken.cpu_s + behind)


async def _packed(port: int, count: int) -> Taken:
    """Pack the lines of the same messages and do nothing else: what a recording costs at least."""
    raw = [one.encode() for one in synthetic.stream(count).messages]
    conn, begin = f"ws-binance-20231114T221320Z-1 ws://127.0.0.1:{port}", synthetic.FIRST_MS * 10**6
    lines = [
        bytes(LineWriter().lines_of([(Nanos(begin + at), "in", conn, raw[at : at + _BURST])]))
        for at in range(0, count, _BURST)
    ]
    packer, watch = new_packer(), _Watch()
    watch.start()
    for one in lines:
        packer.compress(one)
    packer.flush()
    return watch.taken(count)


async def _book(port: int, count: int, config: CollectorConfig, network: Network = INTERNET) -> Taken:
    """The product's collector, timed from the book going live to the notice after the last message."""
    watch = _Watch()
    async with httpx.AsyncClient() as http:
        around = _session_context(port, http, config, network)
        instrument = synthetic.instrument()
        book = LiveBook(instrument.id, around.exchange.new_sequencer(instrument))
        applied: list[int] = []  # what came before the snapshot was there is applied with it, at once

        def begin(_: InstrumentId) -> None:
            applied.append(book.seq)
            watch.start()

        book.on_status = lambda one: begin(one) if book.status is BookStatus.LIVE else None
        session = ExchangeSession(around, {instrument.id.symbol: book}, primary=True)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(session.run())
            async with asyncio.timeout(_TIMEOUT_S):
                await session.retiring.wait()
            taken = watch.taken(book.seq - applied[0])
            live = book.status is BookStatus.LIVE and len(applied) == 1
            running.cancel()
    if not live or taken.messages < count // 2:
        raise RuntimeError(f"{taken.messages} of {count} messages were applied; the book is {book.status}")
    return taken


def _session_context(
    port: int, http: httpx.AsyncClient, config: CollectorConfig, network: Network
) -> SessionContext:
    clock, instrument = SystemClock(), synthetic.instrument()
    exchange = BinanceExchange(ws_url=f"ws://127.0.0.1:{port}", rest_url=f"http://127.0.0.1:{port}")
    exchange.learn([instrument])
    return session_context(
        exchange,
        config=config,
        clock=clock,
        rng=random.Random(1),
        history=History(exchange, config, clock, http),
        network=network,
        trades=TradedVolume(),
        instruments=lambda: {instrument.id.symbol: instrument},
    )


async def _aiohttp(port: int, count: int) -> Taken:
    import aiohttp

    watch = _Watch()
    url = f"ws://127.0.0.1:{port}/plain"
    async with aiohttp.ClientSession() as session, session.ws_connect(url, max_msg_size=0) as socket:
        await socket.receive()
        watch.start()
        for _ in range(count - 1):
            await socket.receive()
        return watch.taken(count - 1)


async def _picows(port: int, count: int) -> Taken:
    import picows

    watch = _Watch()
    done: asyncio.Future[Taken] = asyncio.get_running_loop().create_future()

    class Listener(picows.WSListener):  # type: ignore[misc]
        seen = 0

        def on_ws_frame(self, transport: object, frame: picows.WSFrame) -> None:
            frame.get_payload_as_bytes()
            self.seen += 1
            if self.seen == 1:
                watch.start()
            elif self.seen == count:
                done.set_result(watch.taken(count - 1))

    transport, _ = await picows.ws_connect(Listener, f"ws://127.0.0.1:{port}/plain")
    taken = await done
    transport.disconnect()
    return taken


_Receiver = Callable[[int, int], Awaitable[Taken]]
_CONTENDERS: dict[str, tuple[str, str, tuple[str, ...], _Receiver]] = {
    "alone": (_ALONE, versioned("websockets"), (), _alone),
    "decoded": (_DECODED, versioned("websockets") + ", msgspec", (), _decoded),
    "book": (_BOOK, "twap-server", (), _usual_book),
    "recorded-book": (_BOOK + ", recorded", "twap-server", (), _recorded_book),
    "packed": ("pack the recording's lines", "twap-server", (), _packed),
    "fast-book": (_BOOK, "twap-server, " + versioned("picows"), ("picows",), _fast_book),
    "uvloop-decoded": (_DECODED, versioned("websockets") + ", msgspec, uvloop", ("uvloop",), _decoded),
    "uvloop-book": (_BOOK, "twap-server, uvloop", ("uvloop",), _usual_book),
    "uvloop-fast-book": (
        _BOOK,
        "twap-server, " + versioned("picows") + ", uvloop",
        ("picows", "uvloop"),
        _fast_book,
    ),
    "aiohttp": (_ALONE, versioned("aiohttp"), ("aiohttp",), _aiohttp),
    "picows": (_ALONE, versioned("picows"), ("picows",), _picows),
}
"""By name: the job, who does it, the libraries that must be there, the receiver."""


def _receive(name: str, port: int, count: int) -> None:
    pin(_RECEIVER_CORE)
    work = _CONTENDERS[name][3](port, count)

    async def main() -> Taken:
        garbage.set_aside()  # for all, as a running server does once it is ready
        return await work

    loop = importlib.import_module("uvloop").new_event_loop if name.startswith("uvloop") else None
    with asyncio.Runner(loop_factory=loop) as runner:
        json.dump(asdict(runner.run(main())), sys.stdout)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--receiver"]:
        _receive(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        run(measure, doc=__doc__)
