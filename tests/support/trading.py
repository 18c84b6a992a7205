"""A market set by hand and a store in memory, for tests of the engine."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from twap_models.enums import Carry, Fidelity, Interval, LateStart, Side
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.errors import ExchangeUnavailable, UnknownSymbol
from twap_server.domain.market.events import BookChange, BookSnapshot, BookStatus, Candle, CandleRange
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.market.order_book import OrderBook
from twap_server.domain.orders.terms import OrderRequest

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
        self.published: Decimal | None = Decimal("0.001")
        self.live: HandBook | None = HandBook()
        self.held: set[str] = set()
        self.candles: Sequence[Candle] | None = None
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

    async def klines(
        self, exchange: str, spelling: str, interval: Interval, *, limit: int, start: Nanos, end: Nanos
    ) -> CandleRange:
        if self.candles is None:
            raise ExchangeUnavailable("no candles can be had")
        return CandleRange(candles=[one for one in self.candles if start <= one.open_time <= end])

    def is_proven(self, exchange: str) -> bool:
        return True

    def taker_fee(self, exchange: str) -> Decimal:
        return self.fee

    def published_fee(self, instrument: InstrumentId) -> Decimal | None:
        return self.published


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
