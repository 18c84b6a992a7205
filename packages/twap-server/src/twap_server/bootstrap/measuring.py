"""Run ``twap-server measure refill``: replay recordings without orders, and watch how levels refill.

In: recordings. Out: lines, a table for each instrument that had events.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Final

from twap_models.enums import Side
from twap_server.bootstrap.replaying import replay
from twap_server.collector.market_data import LiveMarket
from twap_server.domain.clock import MILLISECOND, SECOND, Clock, Nanos
from twap_server.domain.errors import InvalidRequest
from twap_server.domain.exact import ZERO
from twap_server.domain.execution.decay import halved
from twap_server.domain.execution.refill import WHOLE, RefillStudy
from twap_server.domain.execution.refill_table import BLOCK, Interval, RefillTable, table_of
from twap_server.domain.market.events import BookStatus, PriceLevel, Trade
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.order_book import OrderBook
from twap_server.domain.orders.order import OrderEvent
from twap_server.domain.resampling import FEWEST
from twap_server.engine.engine import Engine
from twap_server.replay.onlooker import Traded
from twap_server.settings import Settings

_OWNER: Final = "measure"
_MOST_UNNAMED: Final = 20
"""Instruments that are all taken where none is named."""
_LOOK_EVERY_S: Final = 0.02
_LEAST_EVENTS: Final = 30
"""Fewer tell nothing."""
_PERCENT: Final = 100
_SEED: Final = "refill"
"""The same recording gives the same table."""


def measure_refill(
    recordings: Sequence[Path],
    *,
    symbols: Sequence[str],
    least: Decimal,
    instruments: Path | None,
    settings: Settings,
    announce: Callable[[str], None],
) -> None:
    """Replay each recording and print what its levels did.

    Args:
        recordings: one after another; events of the same instrument are put together.
        symbols: to look at; none: all, where there are few.
        least: share of a level that has to be taken, above 0, at most 1.
        instruments: the exchange's list of instruments, where the recordings do not hold it.
        settings: of the server.
        announce: prints a line.

    Raises:
        InvalidRequest: a recording cannot be replayed, or its instruments have to be named.
    """
    studies: dict[InstrumentId, RefillStudy] = {}
    for path in recordings:
        watching = _RefillWatch(symbols, least, studies)
        replay(path, [], settings, instruments=instruments, onlooker=watching)
    half_life = settings.engine.impact_half_life.total_seconds()
    for line in _lines(studies, least, Nanos(int(half_life * SECOND))):
        announce(line)


class _RefillWatch:
    """Follows the books of one replay."""

    def __init__(
        self, symbols: Sequence[str], least: Decimal, studies: dict[InstrumentId, RefillStudy]
    ) -> None:
        self._symbols, self._least, self._studies = symbols, least, studies
        self._wanted: list[InstrumentId] = []

    def publish(self, user_id: str, event: OrderEvent) -> None:
        """There are no orders."""

    def look_at(self, traded: Sequence[Traded], *, market: LiveMarket, engine: Engine, clock: Clock) -> None:
        """Hold the books, and listen to their trades.

        Raises:
            InvalidRequest: the instruments have to be named.
            UnknownSymbol: one that is named is not listed.
        """
        self._market, self._clock = market, clock
        self._wanted = [one for exchange in market.exchanges() for one in self._chosen(exchange.name)]
        for one in self._wanted:
            market.hold(one, _OWNER)
            self._studies.setdefault(one, RefillStudy(least=self._least))
        market.registry.trades.listen(self._note)

    async def run(self) -> None:
        """Look at each book again and again."""
        while True:
            await self._clock.sleep(_LOOK_EVERY_S)
            self.finish()

    def finish(self) -> None:
        """Take the looks that are due."""
        for one in self._wanted:
            book = _live(self._market, one)
            self._studies[one].look(self._clock.now(), None if book is None else Displayed(book))

    def _chosen(self, exchange: str) -> list[InstrumentId]:
        listed = self._market.instruments(exchange)
        if self._symbols:
            return [self._market.find_instrument(exchange, one).id for one in self._symbols]
        if len(listed) > _MOST_UNNAMED:
            raise InvalidRequest(
                f"{exchange}'s list has {len(listed):,} instruments: name those to look at with --symbol",
                field="--symbol",
            )
        return [one.id for one in listed.values()]

    def _note(self, instrument: InstrumentId, trade: Trade) -> None:
        study, book = self._studies.get(instrument), _live(self._market, instrument)
        other = None if book is None else _best(book, trade.taker_side)
        if study is None or book is None or other is None:
            return
        reading = Displayed(book)
        study.trade(
            trade.taker_side,
            trade.price,
            trade.quantity,
            before=reading.displayed(trade.taker_side, trade.price),
            best=reading.best(trade.taker_side),
            other=other,
            state=book.changes,
            now=self._clock.now(),
        )


class Displayed:
    """Reads a book; see ``BookReading``."""

    def __init__(self, book: OrderBook) -> None:
        self._book = book

    def displayed(self, side: Side, price: Decimal) -> Decimal:
        """What a taker of that side finds at a price; 0 where there is no level."""
        for level in self._book.walk(side):
            if level.price == price:
                return level.quantity
            if (level.price - price) * side.sign > ZERO:
                break
        return ZERO

    def best(self, side: Side) -> Decimal:
        """The best price for a taker of that side; a live book has one."""
        return next(self._book.walk(side)).price


def _best(book: OrderBook, taker: Side) -> PriceLevel | None:
    """The best level of the side that a trade leaves alone."""
    return book.best_bid() if taker is Side.BUY else book.best_ask()


def _live(market: LiveMarket, instrument: InstrumentId) -> OrderBook | None:
    live = market.live_book(instrument)
    return None if live is None or live.status is not BookStatus.LIVE else live.book


def _lines(studies: Mapping[InstrumentId, RefillStudy], least: Decimal, half_life: Nanos) -> Iterator[str]:
    share = f"{least * _PERCENT:.0f} %"
    few: list[str] = []
    for instrument, study in studies.items():
        events = len(study.events)
        made = table_of(study, choose=Random(_SEED).choices) if events >= _LEAST_EVENTS else None
        if made is None or not made.rows:
            few.append(f"{instrument} {events}")
            continue
        yield f"{instrument}: {events:,} times trades took {share} of a level or more"
        yield from _table(made, half_life)
        yield ""
    if few:
        yield (
            f"too few events to tell anything (less than {_LEAST_EVENTS}, or in less than {FEWEST} stretches "
            f"of {_seconds(BLOCK)}): {', '.join(few)}"
        )


def _table(made: RefillTable, half_life: Nanos) -> Iterator[str]:
    halving = f"half in {_seconds(half_life)}"
    yield f" after events   displayed again  {halving:>12} untouched   best price moved"
    yield " (95 %)         of what was taken     would be     level   bps"
    for row in made.rows:
        model = WHOLE - int(halved(Decimal(WHOLE), age=row.lag, half_life=half_life))
        again, moved = row.refilled, row.moved
        yield (
            f"{_seconds(row.lag):>6} {row.events:>6,} {_percent(again.mean):>8} "
            f"({_tenths(again.low)} to {_tenths(again.high)})".ljust(39)
            + f"{_percent(model):>7} {_percent(row.untouched):>8} "
            f"{_bps(moved.mean):>6} ({_bps(moved.low)} to {_bps(moved.high)})"
        )
    yield _half(made.half)


def _half(half: Interval | None) -> str:
    if half is None:
        return "  half of what was taken is not displayed again within the last of these times"
    low, high = _seconds(half.low), _seconds(half.high)
    return f"  half of what was taken is displayed again after {_seconds(half.mean)} (95 %: {low} to {high})"


def _percent(millionths: int) -> str:
    return f"{_tenths(millionths)} %"


def _tenths(millionths: int) -> str:
    """In percent, to one decimal."""
    tenths = (millionths * 1_000 + WHOLE // 2) // WHOLE
    return f"{tenths // 10}.{tenths % 10}"


def _bps(millionths: int) -> str:
    sign = "+" if millionths > 0 else "−" if millionths < 0 else ""
    return f"{sign}{abs(millionths) // 100}.{abs(millionths) % 100:02d}"


def _seconds(nanos: int) -> str:
    hundredths = (nanos + 5 * MILLISECOND) // (10 * MILLISECOND)
    text = f"{hundredths // 100}.{hundredths % 100:02d}".rstrip("0").rstrip(".")
    return f"{text} s"
