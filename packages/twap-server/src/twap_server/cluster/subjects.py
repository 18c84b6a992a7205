"""Name what nodes say to each other. ``prefix`` keeps several clusters on one NATS apart."""

from urllib.parse import quote

from twap_server.domain.market.instrument import InstrumentId
from twap_server.domain.ownership import ExchangePart


class Subjects:
    """The names of one cluster."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def book(self, instrument: InstrumentId) -> str:
        """What becomes of a book, each message numbered."""
        return self._name("book", instrument.exchange, instrument.symbol)

    def trades(self, instrument: InstrumentId) -> str:
        """Trades of an instrument, each message numbered."""
        return self._name("trades", instrument.exchange, instrument.symbol)

    def pulse(self, exchange: str) -> str:
        """What an exchange's collectors tell several times a second: that they live, how their books are."""
        return self._name("pulse", exchange)

    def wanted(self, exchange: str) -> str:
        """Which books of an exchange a node wants, told again and again."""
        return self._name("wanted", exchange)

    def market(self, part: ExchangePart) -> str:
        """Questions to the collector of an exchange, or of a part of it: a whole book, its list, candles."""
        return self._name("market", part.exchange, *filter(None, (part.label,)))

    def commands(self, partition: int) -> str:
        """Questions to the engine that owns a partition."""
        return self._name("commands", str(partition))

    def events(self, user_id: str) -> str:
        """Events of a user's orders, after they were recorded."""
        return self._name("events", user_id)

    def _name(self, *parts: str) -> str:
        return ".".join((self._prefix, *map(_part, parts)))


def _part(text: str) -> str:
    """A part of a subject: NATS gives dots, blanks, ``*`` and ``>`` a meaning of their own."""
    return quote(text, safe="-_").replace(".", "%2E").replace("~", "%7E")
