"""A market set by hand and a store in memory, for tests of the engine."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from twap_models.enums import Carry, Fidelity, LateStart, Side
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import CommitInDoubt, StoreConflict, StoreUnavailable, UnknownSymbol
from twap_server.domain.market.events import BookChange, BookSnapshot, BookStatus
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.market.order_book import OrderBook
from twap_server.domain.orders.order import Fill, Order, OrderEvent, SliceResult
from twap_server.domain.orders.sample import Sample
from twap_server.domain.orders.terms import OrderRequest
from twap_server.domain.orders.write import OrderWrite

BTC = Instrument(
    id=InstrumentId("binance", "BTC-USDT"),
    native="BTCUSDT",
    base="BTC",
    quote="USDT",
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.00001"),
    min_quantity=Decimal("0.00001"),
    min_notional=Decimal(5),
    status="trading",
)


@dataclass
class HandBook:
    """A live book that the test moves."""

    book: OrderBook = field(default_factory=OrderBook)
    status: BookStatus = BookStatus.LIVE
    is_barred: bool = False
    is_silent: bool = False
    ts_received: Nanos = Nanos(0)
    confirmed_at: Nanos = Nanos(0)
    seq: int = 0


class HandMarket:
    """One instrument, one book, moved by the test; always fresh unless told otherwise."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.fresh = True
        self.status = "trading"
        self.fee = Decimal(0)
        self.live: HandBook | None = HandBook()
        self.held: set[str] = set()
        self.trades: list[tuple[Nanos, Decimal, Decimal]] = []
        self.show(bids=[("99", "10")], asks=[("100", "10"), ("101", "10")])

    def show(self, *, bids: Sequence[tuple[str, str]], asks: Sequence[tuple[str, str]]) -> None:
        """Replace the book."""
        assert self.live is not None
        self.live.book.replace(BookSnapshot(symbol="BTC-USDT", bids=bids, asks=asks))

    def change(self, *, bids: Sequence[tuple[str, str]] = (), asks: Sequence[tuple[str, str]] = ()) -> None:
        """Change levels, as an exchange would."""
        assert self.live is not None
        self.live.book.apply(BookChange(symbol="BTC-USDT", bids=bids, asks=asks))

    def live_book(self, instrument: InstrumentId) -> HandBook | None:
        assert instrument == BTC.id
        if self.live is not None and self.fresh:
            self.live.ts_received = self.live.confirmed_at = self._clock.now()
        return self.live

    def trading_status(self, instrument: InstrumentId) -> str:
        return self.status

    def find_instrument(self, exchange: str, spelling: str) -> Instrument:
        if spelling not in ("BTCUSDT", "BTC-USDT"):
            raise UnknownSymbol(f"{spelling!r} is not listed: did you mean BTC-USDT?")
        return replace(BTC, status=self.status)

    def hold(self, instrument: InstrumentId, owner: str) -> None:
        self.held.add(owner)

    def release(self, instrument: InstrumentId, owner: str) -> None:
        self.held.discard(owner)

    def find_everywhere(self, spelling: str) -> list[Instrument]:
        return [self.find_instrument("binance", spelling)]

    def traded_since(self, instrument: InstrumentId, since: Nanos) -> Decimal:
        return sum((quantity for at, _, quantity in self.trades if at > since), Decimal(0))

    def traded(self, instrument: InstrumentId) -> tuple[Decimal, Decimal]:
        base = sum((quantity for _, _, quantity in self.trades), Decimal(0))
        return base, sum((price * quantity for _, price, quantity in self.trades), Decimal(0))

    def trade(self, price: str, quantity: str) -> None:
        """Somebody else trades."""
        self.trades.append((self._clock.now(), Decimal(price), Decimal(quantity)))

    def is_proven(self, exchange: str) -> bool:
        return True

    def taker_fee(self, exchange: str) -> Decimal:
        return self.fee


class MemoryStore:
    """Keeps writes with the same unique keys and version rule as the real store; fails when told."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.slices: dict[tuple[str, int], SliceResult] = {}
        self.fills: dict[str, Fill] = {}
        self.log: list[tuple[str, OrderEvent]] = []
        self.samples: dict[tuple[str, Nanos], Sample] = {}
        self.commits = 0
        self.failing = False
        self.latency_s = 0.0
        """How long a commit takes."""
        self.unreadable: set[str] = set()
        """Users whose last event cannot be asked for."""
        self.doubt: bool | None = None
        """The next commit is left in doubt: recorded all the same, or not."""

    async def commit(self, writes: Sequence[OrderWrite], samples: Sequence[tuple[str, Sample]] = ()) -> None:
        if self.failing:
            raise StoreUnavailable("the disk is full")
        await asyncio.sleep(self.latency_s)
        for write in writes:
            self._check(write)
        doubt, self.doubt = self.doubt, None
        if doubt is not False:
            for write in writes:
                self._keep(write)
            for order_id, sample in samples:
                self.samples.setdefault((order_id, sample.time), sample)
            self.commits += 1
        if doubt is not None:
            self.failing = True
            raise CommitInDoubt("the connection was lost")

    async def was_recorded(self, writes: Sequence[OrderWrite]) -> bool:
        order = writes[0].order
        if self.failing:
            raise StoreUnavailable("the disk is full")
        return self.orders.get(order.terms.order_id) == order

    def _check(self, write: OrderWrite) -> None:
        terms, before = write.order.terms, self.orders.get(write.order.terms.order_id)
        taken = any((terms.order_id, s.index) in self.slices for s in write.slices)
        taken |= any(fill.fill_id in self.fills for fill in write.fills)
        seqs = [event.seq for user, event in self.log if user == terms.user_id]
        taken |= any(event.seq in seqs for event in write.events)
        stale = before is not None and before.progress.version != write.order.progress.version - 1
        if taken or stale or write.is_new != (before is None):
            raise StoreConflict("a key was taken")

    def _keep(self, write: OrderWrite) -> None:
        terms = write.order.terms
        self.orders[terms.order_id] = write.order
        self.slices.update({(terms.order_id, result.index): result for result in write.slices})
        self.fills.update({fill.fill_id: fill for fill in write.fills})
        self.log.extend((terms.user_id, event) for event in write.events)

    async def open_orders(self) -> list[Order]:
        return [order for order in self.orders.values() if order.status.is_open]

    async def find(self, user_id: str, token_ids: Sequence[str]) -> dict[str, Order]:
        mine = [order for order in self.orders.values() if order.terms.user_id == user_id]
        return {order.terms.token_id: order for order in mine if order.terms.token_id in token_ids}

    async def find_all(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Order]:
        named = {(order.terms.user_id, order.terms.token_id): order for order in self.orders.values()}
        return {key: named[key] for key in keys if key in named}

    async def last_event_seq(self, user_id: str) -> int:
        if user_id in self.unreadable:
            raise StoreUnavailable("the connection was lost")
        return max((event.seq for user, event in self.log if user == user_id), default=0)

    def results(self, order: Order) -> list[SliceResult]:
        """The order's slices, in order."""
        return [s for (order_id, _), s in sorted(self.slices.items()) if order_id == order.terms.order_id]


def request(now: Nanos, token_id: str = "a", **change: object) -> OrderRequest:
    """A buy of 1 BTC in ten slices of a second, starting now."""
    fields: dict[str, object] = {
        "token_id": token_id,
        "exchange": "binance",
        "symbol": "BTCUSDT",
        "side": Side.BUY,
        "quantity": Decimal(1),
        "limit": None,
        "start": None,
        "end": Nanos(now + 10 * SECOND),
        "interval": SECOND,
        "slices": None,
        "carry": Carry.CATCH_UP,
        "late_start": LateStart.COMPRESS,
        "max_slippage_bps": None,
        "fidelity": Fidelity.DEPTH,
        "fingerprint": "same",
    }
    return OrderRequest(**(fields | change))  # type: ignore[arg-type]
