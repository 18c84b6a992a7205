"""Keep who wants which book. A book stays for a while after the last one who wanted it."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from twap_server.domain.clock import SECOND, Clock, Nanos
from twap_server.domain.market.instrument import InstrumentId

DEFAULT_LINGER_S: Final = 60
_ORDER: Final = "order:"


def owner_of_order(order_id: str) -> str:
    """Name an order as the owner of a book: such books come before others."""
    return _ORDER + order_id


class BookInterest:
    """Owners per instrument. ``hold`` twice by one owner is one hold."""

    def __init__(self, clock: Clock, *, linger_s: int = DEFAULT_LINGER_S) -> None:
        self._clock = clock
        self._linger = linger_s * SECOND
        self._owners: dict[InstrumentId, set[str]] = defaultdict(set)
        self._released: dict[InstrumentId, Nanos] = {}
        self._listeners: list[Callable[[str], None]] = []
        self._always: set[InstrumentId] = set()
        self._free: set[InstrumentId] = set()
        """What counts against nobody's limit."""

    def want_always(self, instruments: Iterable[InstrumentId]) -> None:
        """Want books as long as the server runs: whoever looks at one costs nothing more."""
        wanted = tuple(instruments)
        self._always.update(wanted)
        self.count_nothing_for(wanted)

    def count_nothing_for(self, instruments: Iterable[InstrumentId]) -> None:
        """Take books as collected in any case, though nobody here wants them: another node collects them."""
        self._free.update(instruments)

    def listen(self, callback: Callable[[str], None]) -> None:
        """Call ``callback`` with an exchange's name when somebody begins to want one of its books."""
        self._listeners.append(callback)

    def hold(self, instrument: InstrumentId, owner: str) -> None:
        """Want a book until released."""
        is_new = instrument not in self._owners and instrument not in self._released
        self._owners[instrument].add(owner)
        self._released.pop(instrument, None)
        if is_new:
            for callback in self._listeners:
                callback(instrument.exchange)

    def release(self, instrument: InstrumentId, owner: str) -> None:
        """Give a book up; unknown owners are ignored. It stays wanted for the linger time."""
        owners = self._owners.get(instrument)
        if owners is None or owner not in owners:
            return
        owners.discard(owner)
        if not owners:
            del self._owners[instrument]
            self._released[instrument] = self._clock.monotonic()

    def is_held(self, instrument: InstrumentId, *, but: str) -> bool:
        """Tell whether anybody wants the book whose name does not begin with ``but``."""
        owners = self._owners.get(instrument, ())
        return instrument in self._free or any(not owner.startswith(but) for owner in owners)

    def let_go(self, instrument: InstrumentId) -> None:
        """Let a book linger no longer; one that somebody wants stays."""
        if self._released.pop(instrument, None) is not None:
            for callback in self._listeners:
                callback(instrument.exchange)

    def is_of_an_order(self, instrument: InstrumentId) -> bool:
        """Tell whether an order wants the book."""
        return any(owner.startswith(_ORDER) for owner in self._owners.get(instrument, ()))

    def count_with(self, instruments: Iterable[InstrumentId]) -> int:
        """Count the books that are wanted, lingering ones included, if these were; not free ones."""
        lingering = [one for one in self._released if not self._is_over(one)]
        return len({*self._owners, *lingering, *instruments} - self._free)

    def lingers(self, exchange: str) -> bool:
        """Tell whether ``wanted`` will change with time alone."""
        return any(instrument.exchange == exchange for instrument in self._released)

    def wanted(self, exchange: str) -> set[str]:
        """Return the canonical symbols wanted on one exchange now, lingering ones included."""
        for over in [one for one in self._released if one.exchange == exchange and self._is_over(one)]:
            del self._released[over]
        every = (*self._owners, *self._released, *self._always)
        return {instrument.symbol for instrument in every if instrument.exchange == exchange}

    def _is_over(self, released: InstrumentId) -> bool:
        return self._released[released] <= self._clock.monotonic() - self._linger


class Holding:
    """What others may do with demand; the market is one of these."""

    def __init__(self, interest: BookInterest) -> None:
        self.interest = interest

    def hold(self, instrument: InstrumentId, owner: str) -> None:
        """Ask for a book until released."""
        self.interest.hold(instrument, owner)

    def release(self, instrument: InstrumentId, owner: str) -> None:
        """Give a book up; unknown owners are ignored."""
        self.interest.release(instrument, owner)

    def is_held(self, instrument: InstrumentId, *, but: str) -> bool:
        """Tell whether anybody asks for a book whose name does not begin with ``but``."""
        return self.interest.is_held(instrument, but=but)

    def let_go(self, instrument: InstrumentId) -> None:
        """Collect a book that nobody asks for any more no longer than this."""
        self.interest.let_go(instrument)

    def books_with(self, instruments: Iterable[InstrumentId]) -> int:
        """Count the books asked for, if these were too."""
        return self.interest.count_with(instruments)
