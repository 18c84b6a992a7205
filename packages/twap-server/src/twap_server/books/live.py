"""Keep one instrument's book: apply changes, detect gaps, and say how far it can be trusted."""

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from twap_server.books.pulse import Pulse
from twap_server.domain.clock import Nanos
from twap_server.domain.exact import ONE
from twap_server.domain.market.errors import CrossedBook, FeedError, SequenceGap
from twap_server.domain.market.events import BookChange, BookSnapshot, BookState, BookStatus, PriceLevel
from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.market.order_book import OrderBook
from twap_server.exchanges.base import Sequencer

_NO_LEVELS: tuple[PriceLevel, ...] = ()
_LIVE = BookStatus.LIVE  # reading an enum's member costs as much as a call


class LiveBook:
    """A book that knows whether it is live.

    Every failure sets the status before it is raised, so nobody can fill from a book after its first wrong
    message. Only one writer: the connection that feeds it.
    """

    __slots__ = (
        "_depth",
        "_sequencer",
        "_snapshot_id",
        "_snapshot_seq",
        "awaits_first_change",
        "book",
        "confirmed_at",
        "instrument",
        "is_barred",
        "on_status",
        "pulse",
        "reason",
        "seq",
        "status",
        "ts_exchange",
        "ts_received",
    )

    def __init__(
        self, instrument: InstrumentId, sequencer: Sequencer, *, depth: int = 0, multiplier: Decimal = ONE
    ) -> None:
        """Build an empty book.

        Args:
            instrument: whose.
            sequencer: the rule by which it has no gap.
            depth: levels to keep per side, 0 keeps all.
            multiplier: base currency in one unit of the exchange's quantities.
        """
        self.instrument = instrument
        self.book = OrderBook(multiplier)
        self.status = BookStatus.DOWN
        self.reason = "not connected yet"
        self.is_barred = False
        """Whether it is not live because the exchange refuses to serve us."""
        self.awaits_first_change = False
        """Whether a snapshot is loaded and no change has met it yet."""
        self.pulse: Pulse | None = None
        """Of the connection that feeds it; None: there was none yet."""
        self.ts_exchange = Nanos(0)
        self.ts_received = Nanos(0)
        self.confirmed_at = Nanos(0)
        """Wall time at which the connection was last known to deliver; not older than ``ts_received``."""
        self.seq = 0
        self.on_status: Callable[[InstrumentId], None] = _tell_nobody
        """Called right after the status changed."""
        self._sequencer = sequencer
        self._depth = depth
        self._snapshot_id = -1
        self._snapshot_seq = 0

    def on_change(self, change: BookChange, now: Nanos) -> None:
        """Apply a change unless it is old or has to wait for a snapshot. The hot path.

        Args:
            change: of this instrument.
            now: wall time of receipt.

        Raises:
            FeedError: the status is already ``resyncing``.
        """
        try:
            if not self._sequencer.admit(change):
                self._doubt_quiet()
                return
            self._check(change, is_crossed=self.book.apply(change))
        except FeedError as error:
            self._fail(error, change)
            raise
        self.ts_exchange = change.ts_exchange
        self.ts_received = self.confirmed_at = now
        self.seq += 1
        if self.status is not _LIVE:
            self._go_live()

    def on_snapshot(self, snapshot: BookSnapshot, now: Nanos) -> None:
        """Start from a snapshot and the changes that were waiting for it.

        A book that waits for its first change goes live on the same snapshot seen twice: the market is quiet.

        Raises:
            FeedError: the status is not ``live``.
        """
        is_same = self.awaits_first_change and snapshot.last_id == self._snapshot_id
        try:
            waiting = self._sequencer.splice(snapshot)
        except FeedError as error:  # what is held stays held for the next snapshot
            self._set(BookStatus.RESYNCING, str(error))
            raise
        try:
            self._load(snapshot, waiting)
        except FeedError as error:
            self.resync(str(error))
            raise
        last = waiting[-1] if waiting else snapshot
        self.ts_exchange = last.ts_exchange  # 0 where the exchange gives none
        self.ts_received = self.confirmed_at = now
        self.seq += 1
        self._snapshot_id, self._snapshot_seq = snapshot.last_id, self.seq
        if self._sequencer.proven() or is_same:
            self._go_live()
        else:
            self._set(BookStatus.RESYNCING, "waiting for the first change", awaits_first_change=True)

    def confirm(self, now: Nanos) -> None:
        """Note that the connection delivered until ``now``, so a live book without changes is still right."""
        if self.status is BookStatus.LIVE:
            self.confirmed_at = max(self.confirmed_at, now)

    @property
    def lag(self) -> int | None:
        """Nanoseconds from the exchange's time of the last change to its receipt: by two clocks.

        None until a change came by itself: a snapshot, and what waited for it, is older than its receipt.
        """
        if not self.ts_exchange or self.seq == self._snapshot_seq:
            return None
        return self.ts_received - self.ts_exchange

    @property
    def depth(self) -> int:
        """Levels kept per side, 0: all."""
        return self._depth

    def resync(self, reason: str) -> None:
        """Trust nothing until the next snapshot; changes are held from now on."""
        self._sequencer.reset()
        self._set(BookStatus.RESYNCING, reason)

    def hold_up(self, reason: str, *, is_barred: bool) -> None:
        """Say what keeps the next snapshot from coming, while one is waited for."""
        if self.status is BookStatus.RESYNCING and not self.awaits_first_change:
            self._set(BookStatus.RESYNCING, reason, is_barred=is_barred)

    def mark_stale(self, reason: str) -> None:
        """Say that the connection is gone; what it showed last stays readable, as stale."""
        if self.status is BookStatus.LIVE:
            self._set(BookStatus.STALE, reason)
        elif self.status is BookStatus.RESYNCING:
            self._set(BookStatus.DOWN, reason)

    def mark_down(self, reason: str, *, is_barred: bool = False) -> None:
        """Say that no data comes and none is on its way; ``is_barred``: the exchange refuses to serve us."""
        self._set(BookStatus.DOWN, reason, is_barred=is_barred)

    def take_over(self, other: "LiveBook") -> None:
        """Continue with another connection's book of the same instrument.

        Marks stay, ``seq`` never goes back.
        """
        self.book.take_over(other.book)
        self._sequencer, self._snapshot_id = other._sequencer, other._snapshot_id
        self.ts_exchange, self.ts_received = other.ts_exchange, other.ts_received
        self.confirmed_at, self.pulse = other.confirmed_at, other.pulse
        self.seq += 1
        self._snapshot_seq = self.seq if other.lag is None else -1
        self._set(
            other.status,
            other.reason,
            is_barred=other.is_barred,
            awaits_first_change=other.awaits_first_change,
        )

    def truncate(self, depth: int) -> None:
        """Keep the best ``depth`` levels of each side."""
        self.book.truncate(depth)

    def count_in(self, scale: Decimal) -> None:
        """Read quantities as so much base currency a unit from now on."""
        self.book.count_in(scale)

    def view(self, depth: int) -> BookState:
        """Show at most ``depth`` levels a side, best first; none while ``resyncing`` or ``down``.

        A live book whose connection is silent for too long is shown as ``stale``.
        """
        status, reason = self._shown()
        bids, asks = _NO_LEVELS, _NO_LEVELS
        if status in (BookStatus.LIVE, BookStatus.STALE):
            bids, asks = self.book.top(depth)
        return BookState(
            status=status,
            reason=reason,
            bids=bids,
            asks=asks,
            ts_exchange=self.ts_exchange,
            ts_received=self.ts_received,
            seq=self.seq,
            lag=self.lag,
        )

    @property
    def is_silent(self) -> bool:
        """Whether its connection has been silent for too long: a live book is not to be trusted then."""
        return self.pulse is not None and self.pulse.is_silent

    @property
    def shown_status(self) -> BookStatus:
        """As ``view`` shows it."""
        return BookStatus.STALE if self.status is _LIVE and self.is_silent else self.status

    def _shown(self) -> tuple[BookStatus, str]:
        status = self.shown_status
        if status is not self.status and self.pulse is not None:
            return status, self.pulse.words
        return status, self.reason

    def _doubt_quiet(self) -> None:
        """A change older than the snapshot on a book taken as quiet: ids may have started anew."""
        if self.status is BookStatus.LIVE and not self._sequencer.proven():
            raise SequenceGap("an old change on a book without changes")

    def _load(self, snapshot: BookSnapshot, waiting: list[BookChange]) -> None:
        self.book.replace(snapshot)
        self._check(snapshot, is_crossed=self.book.crossed())
        for change in waiting:
            self._check(change, is_crossed=self.book.apply(change))

    def _check(self, event: BookSnapshot | BookChange, *, is_crossed: bool) -> None:
        """Look at the book that this event has just made."""
        book = self.book
        if self._depth:
            book.truncate(self._depth)
        self._sequencer.verify(event, book)
        if is_crossed:
            raise CrossedBook("the best bid is at or above the best ask")

    def _fail(self, error: FeedError, change: BookChange) -> None:
        self.resync(str(error))
        if isinstance(error, SequenceGap):
            self._sequencer.admit(change)

    def _go_live(self) -> None:
        self._set(BookStatus.LIVE, "")

    def _set(
        self, status: BookStatus, reason: str, *, is_barred: bool = False, awaits_first_change: bool = False
    ) -> None:
        changed = status is not self.status
        if status is _LIVE:
            self.book.drop_epochs_of_gone()
        self.status = status
        self.reason = reason
        self.is_barred = is_barred
        self.awaits_first_change = awaits_first_change
        if changed:
            self.on_status(self.instrument)


class NewBook(Protocol):
    """Builds a book that readers will see; ``LiveBook`` is one of these."""

    def __call__(
        self, instrument: InstrumentId, sequencer: Sequencer, *, depth: int, multiplier: Decimal
    ) -> LiveBook:
        """Build an empty book; see ``LiveBook``."""
        ...


def _tell_nobody(instrument: InstrumentId) -> None:
    """What a book does that nobody keeps."""
