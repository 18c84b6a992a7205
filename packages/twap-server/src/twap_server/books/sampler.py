"""Every second: the top of each book somebody follows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from twap_server.books.keeper import Keeper
from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.instrument import InstrumentId
from twap_server.domain.market import BookView


@dataclass(frozen=True, slots=True, kw_only=True)
class BookSample:
    """One book at one moment, live or not."""

    instrument: InstrumentId
    view: BookView


class Sampler:
    """Publishes on the full period of the monotonic clock; periods missed in a pause are left out."""

    def __init__(
        self,
        keeper: Keeper,
        clock: Clock,
        publish: Callable[[BookSample], None],
        *,
        instruments: Callable[[], Iterable[InstrumentId]] | None = None,
        period_ns: int = SECOND,
        depth: int = 10,
    ) -> None:
        """Args: instruments: which books somebody follows; absent means all that are kept."""
        self._keeper = keeper
        self._clock = clock
        self._publish = publish
        self._instruments = instruments
        self._period = period_ns
        self._depth = depth

    async def run(self) -> None:
        """Publish for ever; cancelling leaves nothing behind."""
        due = self._clock.monotonic()
        while True:
            self.sample()
            due = self._next(due)
            await self._clock.sleep((due - self._clock.monotonic()) / SECOND)

    def _next(self, due: Nanos) -> Nanos:
        behind = max(0, self._clock.monotonic() - due) // self._period
        return Nanos(due + (behind + 1) * self._period)

    def sample(self) -> None:
        """Publish each followed book once."""
        for instrument in self._followed():
            view = self._keeper.view(instrument, self._depth)
            if view is not None:
                self._publish(BookSample(instrument=instrument, view=view))

    def _followed(self) -> Iterable[InstrumentId]:
        if self._instruments is not None:
            return tuple(self._instruments())
        return [book.instrument for book in self._keeper]
