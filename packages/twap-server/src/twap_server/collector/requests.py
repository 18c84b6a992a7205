"""Keep the subscription requests of one connection: which symbols were asked for, in which request."""

from collections.abc import Mapping
from dataclasses import dataclass

from twap_server.books.live import LiveBook
from twap_server.domain.clock import Nanos
from twap_server.domain.market.events import Refused, Subscribed
from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.base import WsRequest


@dataclass(slots=True, kw_only=True)
class Asked:
    """What was last asked of the exchange for a symbol."""

    book: LiveBook
    """For which book: the symbol may have been given up and wanted again since."""
    instrument: Instrument
    request_id: int
    acked: bool = False
    refused: bool = False
    retry_at: Nanos = Nanos(0)
    """When a refused one may be asked for again, monotonic."""
    unknown_in: Mapping[str, Instrument] | None = None
    """The list of instruments in which it stood when the exchange did not know it: ask after the next."""

    def is_written_otherwise(self, newer: Instrument) -> bool:
        """Tell whether prices or quantities have other decimals than when it was asked for."""
        return _places(newer) != _places(self.instrument)


@dataclass(slots=True)
class Pending:
    """A request that is not wholly answered."""

    request: WsRequest
    subscribes: bool
    missing: int
    deadline: int


class Pendings:
    """The requests of one connection that are not wholly answered, by their ids."""

    def __init__(self) -> None:
        self._pending: dict[int, Pending] = {}

    def add(self, pending: Pending) -> None:
        """Wait for the answers to a request."""
        self._pending[pending.request.request_id] = pending

    def answered(self, answer: Subscribed | Refused) -> Pending | None:
        """Count an answer, and return what it answers; None where nobody waits for it."""
        pending = self._of(answer)
        if pending is not None:
            pending.missing -= 1
            if pending.missing <= 0:
                del self._pending[pending.request.request_id]
        return pending

    def take_overdue(self, now: Nanos) -> list[Pending]:
        """Wait no longer for those whose deadline has passed, and return them."""
        overdue = [one for one in self._pending.values() if one.deadline <= now]
        for one in overdue:
            del self._pending[one.request.request_id]
        return overdue

    def are_about(self, symbol: str) -> bool:
        """Tell whether an answer about a symbol is waited for."""
        return any(symbol in pending.request.symbols for pending in self._pending.values())

    def _of(self, answer: Subscribed | Refused) -> Pending | None:
        if answer.request_id is not None:
            return self._pending.get(answer.request_id)
        books = (one for one in self._pending.values() if one.subscribes and one.request.is_book)
        return next((one for one in books if answer.symbol in one.request.symbols), None)


def _places(instrument: Instrument) -> tuple[object, object]:
    return instrument.tick_size.as_tuple().exponent, instrument.lot_size.as_tuple().exponent
