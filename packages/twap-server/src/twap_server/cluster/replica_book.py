"""Keep the same book as a collector on another node, out of what that one tells."""

from twap_server.books.live import LiveBook
from twap_server.cluster.collector_word import CollectorWord, ToldPulse
from twap_server.cluster.market_messages import ChangeTold, StateTold, WholeBook
from twap_server.domain.clock import Clock, Nanos
from twap_server.domain.market.events import BookChange, BookSnapshot, BookStatus
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.order_book import OrderBook
from twap_server.domain.ownership import shown_seq


class AsTold:
    """A ``Sequencer`` that takes what it is given: ``HeardBook`` has put it in order."""

    def admit(self, change: BookChange) -> bool:
        """Take it."""
        return True

    def splice(self, snapshot: BookSnapshot) -> list[BookChange]:
        """Hold nothing."""
        return []

    def verify(self, event: BookSnapshot | BookChange, book: OrderBook) -> None:
        """The collector has verified it."""

    def proven(self) -> bool:
        """The collector has proven it."""
        return True

    def reset(self) -> None:
        """Remember nothing."""


class ReplicaBook(LiveBook):
    """A ``LiveBook`` with the collector's status, times and ``seq``; ``confirmed_at`` is by our clock.

    No change was received later than now by our clock: nothing may be filled from a book of the future.
    """

    __slots__ = ("_clock", "_word")

    def __init__(self, instrument: InstrumentId, clock: Clock, word: CollectorWord) -> None:
        """Build an empty book; ``word``: of its collector."""
        super().__init__(instrument, AsTold())
        self.reason = "not known yet"
        self._clock = clock
        self.heed(word)

    def heed(self, word: CollectorWord) -> None:
        """Go by the word of its collector, or of another one: what was known of its connection is void."""
        self._word, self.pulse = word, ToldPulse(self._clock, word)

    def take_change(self, told: ChangeTold, now: Nanos) -> None:
        """Apply the next change; ``now``: our wall time.

        Raises:
            FeedError: the status is already ``resyncing``.
        """
        change = BookChange(
            symbol=self.instrument.symbol, bids=told.bids, asks=told.asks, ts_exchange=told.ts_exchange
        )
        self.on_change(change, now)
        self.ts_received = min(told.ts_received, now)  # the collector's clock may be ahead of ours

    def take_state(self, told: StateTold) -> None:
        """Be no longer live, for the reason told."""
        self._set(
            told.status,
            told.reason,
            is_barred=told.is_barred,
            awaits_first_change=told.awaits_first_change,
        )

    def take_whole(self, told: WholeBook, now: Nanos) -> None:
        """Be as told, whatever was before; level epochs stay as after any snapshot. ``now``: our wall time.

        Raises:
            WireFormatError: it cannot be read; the book is then empty.
        """
        self._depth = told.depth
        if self.book.scale != told.scale:
            self.count_in(told.scale)
        self.book.replace(BookSnapshot(symbol=self.instrument.symbol, bids=told.bids, asks=told.asks))
        self.ts_exchange, self.ts_received = told.ts_exchange, min(told.ts_received, now)
        self.confirmed_at = Nanos(max(0, now - told.age))
        self.seq = max(self.seq, shown_seq(told.epoch, told.seq))
        self._snapshot_seq = -1 if told.is_of_changes else self.seq
        self._set(
            told.status,
            told.reason,
            is_barred=told.is_barred,
            awaits_first_change=told.awaits_first_change,
        )

    def _shown(self) -> tuple[BookStatus, str]:
        """What waits for a collector that says nothing waits for nobody."""
        if self.status is BookStatus.RESYNCING and self._word.is_silent:
            return BookStatus.DOWN, self._word.words
        return super()._shown()
