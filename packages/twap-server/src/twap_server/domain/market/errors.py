"""Define what can fail on the exchange's side, and what the collector does about it.

FeedError
├── ConnectionLost, FeedStale, StreamGap -> connects again (AttemptRefused, MessageTooLarge: later)
├── SequenceGap, ChecksumMismatch,
│   CrossedBook, SnapshotTooOld          -> begins anew with that book
└── WireFormatError                      -> begins anew with every book that it may have changed
"""

from collections.abc import Collection, Sequence

from twap_models.enums import ErrorCode
from twap_server.domain.clock import Nanos, to_text
from twap_server.domain.errors import TwapError
from twap_server.domain.market.events import MarketEvent


class FeedError(TwapError):
    """The exchange side failed."""

    code = ErrorCode.EXCHANGE_UNAVAILABLE


class ConnectionLost(FeedError):
    """The connection failed, was refused or was closed."""


class AttemptRefused(ConnectionLost):
    """The exchange refused the connection itself. Nothing is tried ``until``."""

    def __init__(self, words: str, *, retry_after: int, until: Nanos, is_barred: bool) -> None:
        """Args: is_barred: it will not serve us (limits, bans, restricts), as against: it cannot now."""
        super().__init__(f"{words}; nothing is tried until {to_text(until)}")
        self.words, self.retry_after, self.until, self.is_barred = words, retry_after, until, is_barred


class MessageTooLarge(ConnectionLost):
    """We closed the connection: the exchange sent more at once than is taken."""


class FeedStale(FeedError):
    """The socket is open and says nothing."""


class StreamGap(FeedError):
    """Messages of the whole connection are missing: which books they were about cannot be told."""


class SequenceGap(FeedError):
    """Messages are missing between what we hold and what arrived."""


class ChecksumMismatch(FeedError):
    """The book we hold is not the book the exchange holds."""


class CrossedBook(FeedError):
    """The best bid is at or above the best ask after a change."""


class SnapshotTooOld(FeedError):
    """The snapshot ends before the first held change begins: ask for another."""


class WireFormatError(FeedError):
    """A frame, or a part of it, is not what the exchange's manual says.

    Attributes:
        doubted: canonical symbols of the books that may have lost a change by it; None where that cannot be
            told, so that it may be any book of the connection; empty where it certainly was no change.
        readable: what else the frame tells, of books that are not doubted.
    """

    def __init__(
        self,
        message: str,
        *,
        doubted: Collection[str] | None = None,
        readable: Sequence[MarketEvent] = (),
    ) -> None:
        super().__init__(message)
        self.doubted = doubted
        self.readable = readable
