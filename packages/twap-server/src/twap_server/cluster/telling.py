"""Number and publish what becomes of the books and trades of one exchange, in one epoch of its collector."""

from decimal import Decimal
from typing import Final

from twap_server.books.live import LiveBook
from twap_server.books.pulse import LEAST
from twap_server.cluster.coding import encode
from twap_server.cluster.market_messages import (
    AnewTold,
    BookPulse,
    ChangeTold,
    CutTold,
    StateTold,
    TradedSoFar,
    TradeTold,
    WholeBook,
)
from twap_server.cluster.messenger import Messenger
from twap_server.cluster.subjects import Subjects
from twap_server.cluster.telling_book import TellingBook
from twap_server.domain.clock import Clock
from twap_server.domain.market.events import BookChange, Trade
from twap_server.domain.market.instrument import InstrumentId
from twap_server.exchanges.base import Sequencer

_FEW_LEVELS: Final = 1_000
"""A book of so many is told unasked: some exchanges send nothing but whole books, several a second."""


class BookLine:
    """What is told of one instrument: a ``BookTeller``. It outlives its book, which may come again."""

    def __init__(
        self, messenger: Messenger, subjects: Subjects, instrument: InstrumentId, epoch: int
    ) -> None:
        self.number = 0
        """Of the last message about the book."""
        self.traded = TradedSoFar()
        self._epoch = epoch
        self._publish = messenger.publish
        self._books, self._trades = subjects.book(instrument), subjects.trades(instrument)

    def change(self, book: LiveBook, change: BookChange) -> None:
        """See ``BookTeller``."""
        self._tell(
            ChangeTold(
                self._epoch,
                self._next(),
                change.ts_exchange,
                book.ts_received,
                list(change.bids),
                list(change.asks),
            )
        )

    def state(self, book: LiveBook) -> None:
        """See ``BookTeller``."""
        number = self._next()
        self._tell(
            StateTold(self._epoch, number, book.status, book.reason, book.is_barred, book.awaits_first_change)
        )

    def cut(self, book: LiveBook, depth: int) -> None:
        """See ``BookTeller``."""
        self._tell(CutTold(self._epoch, self._next(), depth))

    def anew(self, book: LiveBook) -> None:
        """See ``BookTeller``."""
        number = self._next()
        few = len(book.book) <= _FEW_LEVELS
        self._tell(self.whole(book, age=0) if few else AnewTold(self._epoch, number))

    def whole(self, book: LiveBook, *, age: int) -> WholeBook:
        """Say all of a book; ``age``: nanoseconds since its connection was last known to deliver."""
        bids, asks = book.book.top_text(len(book.book))
        return WholeBook(
            epoch=self._epoch,
            number=self.number,
            seq=book.seq,
            status=book.status,
            reason=book.reason,
            is_barred=book.is_barred,
            awaits_first_change=book.awaits_first_change,
            bids=bids,
            asks=asks,
            scale=book.book.scale,
            depth=book.depth,
            ts_exchange=book.ts_exchange,
            ts_received=book.ts_received,
            age=age,
            is_of_changes=book.lag is not None,
        )

    def trade(self, trade: Trade, totals: tuple[Decimal, Decimal]) -> None:
        """Tell a trade; ``totals``: base and quote currency of all trades of this epoch, up to this one."""
        self.traded = so_far = TradedSoFar(self.traded.number + 1, *totals)
        told = TradeTold(
            self._epoch,
            so_far.number,
            so_far.base,
            so_far.quote,
            trade.trade_id,
            trade.price,
            trade.quantity,
            trade.taker_side,
            trade.ts_exchange,
            trade.ts_received,
            trade.is_numbered,
        )
        self._publish(self._trades, encode(told))

    def _next(self) -> int:
        self.number += 1
        return self.number

    def _tell(self, told: ChangeTold | StateTold | CutTold | AnewTold | WholeBook) -> None:
        self._publish(self._books, encode(told))


class Telling:
    """All instruments of one exchange."""

    def __init__(self, messenger: Messenger, subjects: Subjects, *, epoch: int, clock: Clock) -> None:
        """Args: epoch: of the lease by which the exchange is collected."""
        self.epoch = epoch
        self._messenger, self._subjects, self._clock = messenger, subjects, clock
        self._lines: dict[InstrumentId, BookLine] = {}

    def line(self, instrument: InstrumentId) -> BookLine:
        """What is told of an instrument."""
        line = self._lines.get(instrument)
        if line is None:
            line = BookLine(self._messenger, self._subjects, instrument, self.epoch)
            self._lines[instrument] = line
        return line

    def new_book(
        self, instrument: InstrumentId, sequencer: Sequencer, *, depth: int, multiplier: Decimal
    ) -> LiveBook:
        """Build a book that tells: a ``NewBook``."""
        return TellingBook(
            instrument, sequencer, depth=depth, multiplier=multiplier, teller=self.line(instrument)
        )

    def whole(self, book: LiveBook) -> WholeBook:
        """Say all of a book."""
        return self.line(book.instrument).whole(book, age=self._age(book))

    def pulse(self, book: LiveBook) -> BookPulse:
        """Say how a book is now."""
        line, pulse = self.line(book.instrument), book.pulse
        silence, borne = (0, LEAST) if pulse is None else (max(0, pulse.silence), pulse.borne)
        return BookPulse(book.instrument.symbol, line.number, silence, borne, self._age(book), line.traded)

    def _age(self, book: LiveBook) -> int:
        return max(0, self._clock.now() - book.confirmed_at)
