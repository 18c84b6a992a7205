"""What was asked of an exchange on one connection: symbol by symbol, and request by request."""

from collections.abc import Mapping
from dataclasses import dataclass

from twap_server.books.live import LiveBook
from twap_server.domain.clock import Nanos
from twap_server.domain.instrument import Instrument
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


def _places(instrument: Instrument) -> tuple[object, object]:
    return instrument.tick_size.as_tuple().exponent, instrument.lot_size.as_tuple().exponent
