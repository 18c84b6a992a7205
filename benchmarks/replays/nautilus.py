"""nautilus_trader's BacktestEngine with its own example TWAP algorithm; floats become fixed point beforehand.

Once with order book deltas (its L2 matching, like ours) and once with best quotes only (much less to do).
"""

import gzip
import time
from typing import Any, ClassVar

from benchmarks.harness.machine import versioned
from benchmarks.replays.contender import Job, Outcome, depth_rows, is_buy

_MS = 1_000_000


class Deltas:
    """L2 deltas of every message."""

    label: ClassVar[str] = versioned("nautilus_trader") + ", L2 deltas"
    quotes: ClassVar[bool] = False

    def __init__(self, job: Job) -> None:
        from nautilus_trader.test_kit.providers import TestInstrumentProvider

        self._job = job
        self._instrument = TestInstrumentProvider.btcusdt_binance()
        with gzip.open(job.recording) as lines:
            snapshot, changes = depth_rows(job, list(lines))
        self._messages = len(changes)
        self._data = (_quotes if self.quotes else _deltas)(self._instrument, snapshot, changes)

    def run(self) -> Outcome:
        """Run the engine once; only its run is timed."""
        engine, strategy = self._engine(), _strategy(self._instrument, self._job, quotes=self.quotes)
        engine.add_strategy(strategy)
        engine.add_data(self._data)
        begin = time.process_time()
        engine.run()
        seconds = time.process_time() - begin
        fills = strategy.fills
        engine.dispose()
        return Outcome(self._messages, seconds, fills)

    def _engine(self) -> Any:
        from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
        from nautilus_trader.config import LoggingConfig, RiskEngineConfig
        from nautilus_trader.examples.algorithms.twap import TWAPExecAlgorithm
        from nautilus_trader.model.currencies import BTC, USDT
        from nautilus_trader.model.enums import AccountType, BookType, OmsType
        from nautilus_trader.model.identifiers import TraderId, Venue
        from nautilus_trader.model.objects import Money

        engine = BacktestEngine(
            BacktestEngineConfig(
                trader_id=TraderId("B-1"),
                logging=LoggingConfig(bypass_logging=True),
                risk_engine=RiskEngineConfig(bypass=True),
            )
        )
        engine.add_venue(
            Venue("BINANCE"),
            OmsType.NETTING,
            AccountType.CASH,
            [Money(10_000_000, USDT), Money(100, BTC)],
            book_type=BookType.L1_MBP if self.quotes else BookType.L2_MBP,
        )
        engine.add_instrument(self._instrument)
        engine.add_exec_algorithm(TWAPExecAlgorithm())
        return engine


class Quotes(Deltas):
    """Best bid and ask after every message."""

    label: ClassVar[str] = versioned("nautilus_trader") + ", quotes only"
    quotes: ClassVar[bool] = True


def _deltas(instrument: Any, snapshot: dict[str, Any], changes: list[dict[str, Any]]) -> list[Any]:
    from nautilus_trader.model.data import BookOrder, OrderBookDelta, OrderBookDeltas
    from nautilus_trader.model.enums import BookAction, OrderSide
    from nautilus_trader.model.objects import Price, Quantity

    def made(bids: Any, asks: Any, time_ms: int, sequence: int) -> Any:
        at, found = time_ms * _MS, []
        for side, levels in ((OrderSide.BUY, bids), (OrderSide.SELL, asks)):
            for price, quantity in levels:
                size = Quantity(float(quantity), instrument.size_precision)
                action = BookAction.UPDATE if size > 0 else BookAction.DELETE
                order = BookOrder(side, Price(float(price), instrument.price_precision), size, 0)
                found.append(OrderBookDelta(instrument.id, action, order, 0, sequence, at, at))
        return OrderBookDeltas(instrument.id, found)

    first = made(snapshot["bids"], snapshot["asks"], changes[0]["E"] - 1, 0)
    return [first, *(made(one["b"], one["a"], one["E"], one["u"]) for one in changes)]


def _quotes(instrument: Any, snapshot: dict[str, Any], changes: list[dict[str, Any]]) -> list[Any]:
    from nautilus_trader.model.data import QuoteTick
    from nautilus_trader.model.objects import Price, Quantity

    bids, asks = dict(snapshot["bids"]), dict(snapshot["asks"])
    found = []
    for one in changes:
        for side, levels in ((bids, one["b"]), (asks, one["a"])):
            side.update(levels)
            for price, quantity in levels:
                if not float(quantity):
                    del side[price]
        best = max(bids, key=float), min(asks, key=float)
        prices = [Price(float(price), instrument.price_precision) for price in best]
        sizes = [
            Quantity(float(side[price]), instrument.size_precision)
            for side, price in zip((bids, asks), best, strict=True)
        ]
        found.append(QuoteTick(instrument.id, *prices, *sizes, one["E"] * _MS, one["E"] * _MS))
    return found


def _strategy(instrument: Any, job: Job, *, quotes: bool) -> Any:  # noqa: C901 - methods of one class
    from nautilus_trader.config import StrategyConfig
    from nautilus_trader.model.enums import BookType, OrderSide, TimeInForce
    from nautilus_trader.model.identifiers import ExecAlgorithmId
    from nautilus_trader.model.objects import Quantity
    from nautilus_trader.trading.strategy import Strategy

    def subscribe(strategy: Any) -> None:
        if quotes:
            strategy.subscribe_quote_ticks(instrument.id)
        else:
            strategy.subscribe_order_book_deltas(instrument.id, book_type=BookType.L2_MBP)

    starts = [*(ms * _MS for ms in job.starts_ms), 2**63]

    class Parents(Strategy):  # type: ignore[misc]
        def on_start(self) -> None:
            self.fills, self.begun = 0, 0
            subscribe(self)

        def on_quote_tick(self, tick: Any) -> None:
            self.step(tick.ts_event)

        def on_order_book_deltas(self, deltas: Any) -> None:
            self.step(deltas.ts_event)

        def step(self, now: int) -> None:
            if now >= starts[self.begun]:
                self.begin()

        def begin(self) -> None:
            side = OrderSide.BUY if is_buy(self.begun) else OrderSide.SELL
            self.begun += 1
            order = self.order_factory.market(
                instrument.id,
                side,
                Quantity(1.0, instrument.size_precision),
                TimeInForce.GTC,
                exec_algorithm_id=ExecAlgorithmId("TWAP"),
                exec_algorithm_params={"horizon_secs": job.length_s, "interval_secs": job.interval_s},
            )
            self.submit_order(order)

        def on_order_filled(self, event: Any) -> None:
            self.fills += 1

    return Parents(StrategyConfig())
