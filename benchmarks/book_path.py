"""How many Binance depth messages a second one core takes from bytes to a live book (CPU time).

Messages are synthetic: ten levels, 462 bytes, prices near the touch, a tenth of the levels removed. Run with
``python benchmarks/book_path.py [messages]``.
"""

import gc
import random
import sys
import time
from decimal import Decimal

from twap_server.books.live import LiveBook
from twap_server.domain.clock import Nanos
from twap_server.domain.instrument import Instrument, InstrumentId
from twap_server.domain.market import BookChange, BookSnapshot
from twap_server.exchanges.binance.adapter import BinanceExchange

_BYTES = 462


def main(count: int) -> None:
    """Measure and print messages a second, best of five."""
    messages = _messages(count)
    size = sum(map(len, messages)) / count
    best = max(_run(messages) for _ in range(5))
    sys.stdout.write(
        f"{best:,.0f} messages/s, {1e6 / best:.2f} us each, {count:,} messages of {size:.0f} bytes\n"
    )


def _run(messages: list[bytes]) -> float:
    instrument = _instrument()
    exchange = BinanceExchange()
    exchange.learn([instrument])
    book = LiveBook(instrument.id, exchange.new_sequencer(instrument))
    levels = range(1, 1001)
    book.on_snapshot(
        BookSnapshot(
            symbol="BTC-USDT",
            bids=[(f"{60_000 - one}.00000000", "1.00000000") for one in levels],
            asks=[(f"{60_000 + one}.00000000", "1.00000000") for one in levels],
            last_id=10**10,
        ),
        Nanos(1),
    )
    decode, now = exchange.decode, Nanos(1)
    gc.collect()
    begin = time.process_time()
    for raw in messages:
        for event in decode(raw):
            if type(event) is BookChange:
                book.on_change(event, now)
    took = time.process_time() - begin
    assert book.seq == len(messages) + 1
    assert not book.reason
    return len(messages) / took


def _messages(count: int) -> list[bytes]:
    rng = random.Random(1)
    found = []
    for number in range(count):
        text = _message(number, rng)
        found.append(text.encode().ljust(_BYTES))
    return found


def _message(number: int, rng: random.Random) -> str:
    bids = ",".join(_level(60_000 - one, rng) for one in rng.sample(range(1, 1001), 5))
    asks = ",".join(_level(60_000 + one, rng) for one in rng.sample(range(1, 1001), 5))
    first = 10**10 + 1 + number * 4
    return (
        '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT",'
        f'"U":{first},"u":{first + 3},"b":[{bids}],"a":[{asks}]}}}}'
    )


def _level(price: int, rng: random.Random) -> str:
    quantity = 0 if rng.random() < 0.1 else rng.randrange(1, 10**9)
    return f'["{price}.00000000","{quantity / 10**8:.8f}"]'


def _instrument() -> Instrument:
    step = Decimal("0.01")
    return Instrument(
        id=InstrumentId("binance", "BTC-USDT"),
        native="BTCUSDT",
        base="BTC",
        quote="USDT",
        tick_size=step,
        lot_size=step,
        min_quantity=step,
        min_notional=step,
        status="trading",
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
