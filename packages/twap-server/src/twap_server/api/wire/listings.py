"""Write the lists of instruments as JSON, each once, however often it is asked for."""

from collections.abc import Iterable, Mapping

from fastapi import Response

from twap_models import market as wire
from twap_server.api.http.exact_json import reply, written
from twap_server.api.ports import Books
from twap_server.api.wire import present
from twap_server.domain.market.instrument import Instrument


class InstrumentLists:
    """The newest list of each exchange, whole."""

    def __init__(self, market: Books) -> None:
        """Write nothing yet."""
        self._market = market
        self._written: dict[str, tuple[Mapping[str, Instrument], bytes]] = {}
        """By exchange, with the list it was written from."""

    def whole(self, exchange: str) -> Response:
        """Answer with all instruments of an exchange, by canonical symbol.

        Raises:
            UnknownExchange, ExchangeUnavailable.
        """
        listed = self._market.instruments(exchange)
        name = next((one.id.exchange for one in listed.values()), exchange)
        known = self._written.get(name)
        if known is None or known[0] is not listed:
            known = self._written[name] = (listed, written(_sorted(listed.values())))
        return Response(known[1], media_type="application/json")


def in_order(instruments: Iterable[Instrument]) -> Response:
    """Answer with these, by canonical symbol."""
    return reply(_sorted(instruments))


def _sorted(instruments: Iterable[Instrument]) -> list[wire.Instrument]:
    return [present.instrument(one) for one in sorted(instruments, key=lambda one: one.id.symbol)]
