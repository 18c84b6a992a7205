"""What the API stands on, in memory: an engine that accepts, a market set by hand, a clock."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from support.clocks import START
from twap_models.enums import Integrity, Interval, Side
from twap_server.books.recent_trades import RecentTrades
from twap_server.domain.clock import MILLISECOND, Nanos
from twap_server.domain.errors import (
    BookUnavailable,
    UnknownExchange,
    UnknownSymbol,
)
from twap_server.domain.market.events import BookState, BookStatus, Candle, CandleRange, PriceLevel, Trade
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.domain.market.status import CollectedBook, ConnectionState, ExchangeStatus
from twap_server.domain.market.symbols import assets_of, kind_of


def connected(exchange: str) -> ExchangeStatus:
    return ExchangeStatus(
        name=exchange,
        state=ConnectionState.CONNECTED,
        reason="",
        since=START,
        connections=1,
        books=0,
        instruments=1,
        integrity=Integrity.SEQUENCE,
        intervals=(Interval.M1, Interval.H1),
        market_status="trading",
        retry_at=None,
        lag=None,
        clock_warning="",
        taker_fee=Decimal("0.001"),
    )


def listed(exchange: str, symbol: str) -> Instrument:
    base, quote = assets_of(symbol)
    return Instrument(
        id=InstrumentId(exchange, symbol),
        native=base + quote,
        base=base,
        quote=quote,
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.00000001"),
        min_quantity=Decimal("0.00000001"),
        min_notional=Decimal(0),
        status="trading",
        kind=kind_of(symbol),
    )


def view(
    bids: Sequence[tuple[str, str]] = (("99", "1"),),
    asks: Sequence[tuple[str, str]] = (("100", "2"),),
    *,
    status: BookStatus = BookStatus.LIVE,
) -> BookState:
    return BookState(
        status=status,
        reason="" if status is BookStatus.LIVE else "nothing came for a while",
        bids=tuple(PriceLevel(Decimal(p), Decimal(q)) for p, q in bids),
        asks=tuple(PriceLevel(Decimal(p), Decimal(q)) for p, q in asks),
        ts_exchange=START,
        ts_received=START,
        seq=7,
    )


def trade(number: int, *, price: str = "100", quantity: str = "0.5", side: Side = Side.BUY) -> Trade:
    """Made and received so many milliseconds after the start."""
    moment = Nanos(START + number * MILLISECOND)
    return Trade(
        symbol="BTC-USDT",
        trade_id=str(number),
        price=Decimal(price),
        quantity=Decimal(quantity),
        taker_side=side,
        ts_exchange=moment,
        ts_received=moment,
    )


class NobodyTook:
    """No user has taken anything."""

    async def look(self, user_id: str, instruments: Collection[InstrumentId]) -> None:
        """There is nothing to know."""

    def own_taken(
        self, user_id: str, instrument: InstrumentId, side: Side, prices: Iterable[Decimal]
    ) -> Mapping[Decimal, Decimal]:
        return {}


class HandMarket:
    """Two exchanges; books are what the test puts into ``books``."""

    def __init__(self) -> None:
        self.listed: dict[str, dict[str, Instrument]] = {
            "binance": {s: listed("binance", s) for s in ("BTC-USDT", "ETH-USDT")},
            "kraken": {"BTC-USDT": listed("kraken", "BTC-USDT")},
        }
        self.books: dict[InstrumentId, BookState] = {InstrumentId("binance", "BTC-USDT"): view()}
        self.coming: dict[InstrumentId, BookState] = {}
        """Books that come to life once somebody waits for them."""
        self.held: set[tuple[InstrumentId, str]] = set()
        self.let_go_of: list[InstrumentId] = []
        self.asked: list[tuple[object, ...]] = []
        self.recent = RecentTrades()
        self.on_trade: list[Callable[[InstrumentId, Trade], None]] = []
        self.candles: list[Candle] = []
        self.fates: list[CollectedBook] = []
        self.oldest_available: Nanos | None = None

    def exchanges(self) -> Sequence[ExchangeStatus]:
        return [connected(name) for name in self.listed]

    def collected(self, exchange: str) -> Sequence[CollectedBook]:
        self.instruments(exchange)
        return [one for one in self.fates if one.instrument.exchange == exchange]

    def instruments(self, exchange: str) -> Mapping[str, Instrument]:
        if exchange not in self.listed:
            raise UnknownExchange(f"{exchange!r} is not collected: expected one of {', '.join(self.listed)}")
        return self.listed[exchange]

    def find_instrument(self, exchange: str, spelling: str) -> Instrument:
        wanted = spelling.upper().replace("/", "").replace("-", "")
        for symbol, instrument in self.instruments(exchange).items():
            if symbol.replace("-", "") == wanted:
                return instrument
        raise UnknownSymbol(f"{spelling!r} is not listed on {exchange}")

    def find_everywhere(self, spelling: str) -> list[Instrument]:
        symbol = self.find_instrument("binance", spelling).id.symbol
        return [listed[symbol] for listed in self.listed.values() if symbol in listed]

    def trading_status(self, instrument: InstrumentId) -> str:
        return self.instruments(instrument.exchange)[instrument.symbol].status

    def view(self, instrument: InstrumentId, depth: int) -> BookState | None:
        book = self.books.get(instrument)
        return None if book is None else replace(book, bids=book.bids[:depth], asks=book.asks[:depth])

    def trade(self, instrument: InstrumentId, made: Trade) -> None:
        """A trade was received."""
        self.recent.add(instrument, made)
        for callback in self.on_trade:
            callback(instrument, made)

    def recent_trades(self, instrument: InstrumentId) -> Sequence[Trade]:
        return self.recent.of(instrument)

    def hold(self, instrument: InstrumentId, owner: str) -> None:
        self.held.add((instrument, owner))

    def release(self, instrument: InstrumentId, owner: str) -> None:
        self.held.discard((instrument, owner))

    def is_held(self, instrument: InstrumentId, *, but: str) -> bool:
        return any(held == instrument and not owner.startswith(but) for held, owner in self.held)

    def let_go(self, instrument: InstrumentId) -> None:
        self.let_go_of.append(instrument)

    def books_with(self, instruments: Iterable[InstrumentId]) -> int:
        return len({held for held, _ in self.held} | set(instruments))

    async def wait_live(self, instrument: InstrumentId, timeout: float) -> BookState:
        assert any(held == instrument for held, _ in self.held), "wait only for a held book"
        if instrument in self.coming:
            self.books[instrument] = self.coming[instrument]
        found = self.books.get(instrument)
        if found is None or found.status is not BookStatus.LIVE:
            raise BookUnavailable(f"no live book of {instrument} within {timeout:g} s")
        return found

    async def klines(
        self,
        exchange: str,
        spelling: str,
        interval: Interval,
        *,
        limit: int,
        start: Nanos | None,
        end: Nanos | None,
    ) -> CandleRange:
        self.find_instrument(exchange, spelling)
        self.asked.append((exchange, spelling, interval, limit, start, end))
        return CandleRange(candles=self.candles[-limit:], oldest_available=self.oldest_available)
