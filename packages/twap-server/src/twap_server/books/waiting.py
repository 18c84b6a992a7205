"""Wait until books are live: the one way to do so for engines, for nodes and for clients."""

from collections.abc import Collection
from typing import Final, Protocol

from twap_server.domain.clock import MILLISECOND, SECOND, Clock
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import InstrumentId

_LOOK_EVERY: Final = 20 * MILLISECOND


class _Book(Protocol):
    """A book as it says of itself."""

    status: BookStatus

    @property
    def is_silent(self) -> bool:
        """Whether its connection says nothing for too long: then it is not to be trusted."""
        ...


class _Books(Protocol):
    """Where books are."""

    def live_book(self, instrument: InstrumentId) -> _Book | None:
        """The instrument's book, None where nobody wants it."""
        ...


async def become_live(market: _Books, wanted: Collection[InstrumentId], clock: Clock, *, within: int) -> bool:
    """Wait until all these books are live, which somebody holds; False: not all were, within nanoseconds."""
    until = clock.monotonic() + within
    while not all(_is_live(market.live_book(one)) for one in wanted):
        if clock.monotonic() >= until:
            return False
        await clock.sleep(_LOOK_EVERY / SECOND)
    return True


def _is_live(book: _Book | None) -> bool:
    return book is not None and book.status is BookStatus.LIVE and not book.is_silent
