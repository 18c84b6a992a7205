"""How much memory one more book takes: ``python -m benchmarks.harness.books_in_memory COUNT`` prints KiB.

A process of its own for each measurement, because memory that was freed before would be used again.
"""

import gc
import random
import sys
from decimal import Decimal

import psutil

from benchmarks.harness.answered import answered
from twap_server.books.live import LiveBook
from twap_server.books.registry import BookRegistry
from twap_server.domain.clock import Nanos
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.exchanges.binance.spot import BinanceExchange

LEVELS = 1_000


def memory_of_books(count: int) -> float:
    """The difference that so many books make, per book, in KiB."""
    registry, rng = BookRegistry(), random.Random(1)
    _add_book(registry, 0, rng)
    before = _memory()
    for number in range(1, count + 1):
        _add_book(registry, number, rng)
    after = _memory()
    assert len(registry) == count + 1
    return (after - before) / count / 2**10


def _memory() -> int:
    gc.collect()
    return int(psutil.Process().memory_full_info().uss)


def _add_book(registry: BookRegistry, number: int, rng: random.Random) -> None:
    instrument = _instrument(number)
    exchange = BinanceExchange()
    exchange.learn([instrument])
    book = LiveBook(instrument.id, exchange.new_sequencer(instrument))
    registry.add(book)
    book.on_snapshot(answered(exchange.snapshot(instrument), _snapshot(number, rng)), Nanos(1))
    for event in exchange.new_stream().decode(_change(instrument, number, rng)):
        book.on_change(event, Nanos(2))  # type: ignore[arg-type]
    assert len(book.book) == 2 * LEVELS, "the change takes no level and brings none"


def _snapshot(number: int, rng: random.Random) -> bytes:
    bids, asks = (
        ",".join(_level(number, sign * step, rng) for step in range(1, LEVELS + 1)) for sign in (-1, 1)
    )
    return f'{{"lastUpdateId":1000,"bids":[{bids}],"asks":[{asks}]}}'.encode()


def _change(instrument: Instrument, number: int, rng: random.Random) -> bytes:
    changed = ",".join(_level(number, -step, rng) for step in rng.sample(range(1, LEVELS), 10))
    return (
        f'{{"stream":"{instrument.native.lower()}@depth@100ms","data":{{"e":"depthUpdate","E":1723161255208,'
        f'"s":"{instrument.native}","U":1001,"u":1002,"b":[{changed}],"a":[]}}}}'
    ).encode()


def _level(number: int, step: int, rng: random.Random) -> str:
    price = 6_000_000 + number * 10_000 + step
    return f'["{price // 100}.{price % 100:02}000000","{rng.randrange(1, 10**9) / 10**8:.8f}"]'


def _instrument(number: int) -> Instrument:
    step = Decimal("0.01")
    return Instrument(
        id=InstrumentId("binance", f"C{number}-USDT"),
        native=f"C{number}USDT",
        base=f"C{number}",
        quote="USDT",
        tick_size=step,
        lot_size=step,
        min_quantity=step,
        min_notional=step,
        status="trading",
    )


if __name__ == "__main__":
    sys.stdout.write(f"{memory_of_books(int(sys.argv[1]))}\n")
