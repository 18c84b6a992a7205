"""hftbacktest: compiled event loop and strategy (numba), its own event array; as many taker orders as slices.

It knows no parent orders and no report: the strategy sends one taker order after another, evenly spaced.
"""

import gzip
import time
from typing import Any, ClassVar

from benchmarks.harness.machine import versioned
from benchmarks.replays.contender import Job, Outcome, depth_rows

_MS, _LATENCY = 1_000_000, 1_000_000


class HftBacktest:
    """L2 depth events, exchange and local time a millisecond apart."""

    label: ClassVar[str] = versioned("hftbacktest") + " (compiled, no parents)"

    def __init__(self, job: Job) -> None:
        self._job = job
        with gzip.open(job.recording) as lines:
            snapshot, changes = depth_rows(job, list(lines))
        self._messages = len(changes)
        self._events = _events(snapshot, changes)
        self._strategy = _compiled()
        self.run()  # the first call compiles

    def run(self) -> Outcome:
        """Run the strategy once; only that is timed."""
        from hftbacktest import BacktestAsset, HashMapMarketDepthBacktest

        asset = (
            BacktestAsset()
            .data(self._events)
            .linear_asset(1.0)
            .constant_order_latency(_LATENCY, _LATENCY)
            .risk_adverse_queue_model()
            .no_partial_fill_exchange()
            .trading_value_fee_model(0.0, 0.0)
            .tick_size(0.01)
            .lot_size(0.00001)
        )
        engine = HashMapMarketDepthBacktest([asset])
        seconds_of_market = self._messages // 10
        begin = time.process_time()
        sent = self._strategy(engine, self._job.slices, max(1, seconds_of_market // (self._job.slices + 1)))
        seconds = time.process_time() - begin
        engine.close()
        return Outcome(self._messages, seconds, sent)


def _events(snapshot: dict[str, Any], changes: list[dict[str, Any]]) -> Any:
    import numpy as np
    from hftbacktest import BUY_EVENT, DEPTH_EVENT, DEPTH_SNAPSHOT_EVENT, EXCH_EVENT, LOCAL_EVENT, SELL_EVENT
    from hftbacktest.types import event_dtype

    rows: list[tuple[Any, ...]] = []

    def add(kind: int, bids: Any, asks: Any, time_ms: int) -> None:
        at = time_ms * _MS
        for side, levels in ((BUY_EVENT, bids), (SELL_EVENT, asks)):
            flags = EXCH_EVENT | LOCAL_EVENT | kind | side
            rows.extend((flags, at, at + _MS, float(price), float(size), 0, 0, 0.0) for price, size in levels)

    add(DEPTH_SNAPSHOT_EVENT, snapshot["bids"], snapshot["asks"], changes[0]["E"] - 1)
    for one in changes:
        add(DEPTH_EVENT, one["b"], one["a"], one["E"])
    return np.array(rows, dtype=event_dtype)


def _compiled() -> Any:
    from numba import njit

    @njit  # type: ignore[untyped-decorator]
    def strategy(engine: Any, orders: int, every: int) -> int:
        second = sent = 0
        while engine.elapse(1_000_000_000) == 0:
            second += 1
            if second % every == 0 and sent < orders:
                sent += 1
                price = engine.depth(0).best_ask + 1.0
                engine.submit_buy_order(0, sent, price, 0.01, 1, 0, False)
            engine.clear_inactive_orders(0)
        return sent

    return strategy
