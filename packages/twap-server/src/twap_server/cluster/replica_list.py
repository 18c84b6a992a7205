"""Know what an exchange lists, from its collector or from before."""

from collections.abc import Iterable, Mapping

from twap_server.cluster.market_messages import ListingAnswer
from twap_server.domain.market.instrument import NOT_LISTED, TRADING, Instrument


class ReplicaList:
    """Of one exchange."""

    def __init__(self, cached: Iterable[Instrument]) -> None:
        """Args: cached: a list from before."""
        self.instruments: Mapping[str, Instrument] = {one.id.symbol: one for one in cached}
        """By canonical symbol: another mapping for each new list."""
        self.clashing: tuple[Instrument, ...] = ()
        self._gone: Mapping[str, str] = {}
        self._known = (0, 0)

    def is_of(self, epoch: int, revision: int) -> bool:
        """Whether the list is the one that a pulse names; a collector without a list names revision 0."""
        return not revision or self._known == (epoch, revision)

    def take(self, told: ListingAnswer) -> bool:
        """Take a newer list; False where it is not one."""
        if not told.instruments or (told.epoch, told.revision) <= self._known:
            return False
        self._known = (told.epoch, told.revision)
        self.instruments = {one.id.symbol: one for one in told.instruments}
        self.clashing, self._gone = tuple(told.clashing), told.gone
        return True

    def trading_status(self, symbol: str) -> str:
        """Return ``trading``, or why not; ``trading`` too while no list is known."""
        found = self.instruments.get(symbol)
        if found is not None:
            return found.status
        return self._gone.get(symbol, NOT_LISTED) if self.instruments else TRADING
