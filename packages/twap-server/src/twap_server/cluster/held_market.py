"""Give the engine of one partition its books: what it holds is its own, and released when it ends."""

from twap_server.domain.market.instrument import InstrumentId
from twap_server.engine.ports import Market


class HeldMarket:
    """Implements the engine's ``Market`` over that of the node, which several partitions share."""

    def __init__(self, market: Market, *, name: str) -> None:
        """Args: name: of the partition and its owner's turn; no other one on this node has it."""
        self._market, self._name = market, name
        self._held: dict[tuple[InstrumentId, str], None] = {}
        self.live_book, self.trading_status = market.live_book, market.trading_status
        self.find_instrument, self.find_everywhere = market.find_instrument, market.find_everywhere
        self.traded_since, self.traded, self.klines = market.traded_since, market.traded, market.klines
        self.is_proven, self.taker_fee = market.is_proven, market.taker_fee
        self.published_fee = market.published_fee

    def hold(self, instrument: InstrumentId, owner: str) -> None:
        """See ``Market``."""
        self._held[instrument, owner] = None
        self._market.hold(instrument, self._of(owner))

    def release(self, instrument: InstrumentId, owner: str) -> None:
        """See ``Market``."""
        self._held.pop((instrument, owner), None)
        self._market.release(instrument, self._of(owner))

    def release_all(self) -> None:
        """Give every book up."""
        for instrument, owner in list(self._held):
            self.release(instrument, owner)

    def _of(self, owner: str) -> str:
        """Behind the owner's name: its begin says what kind of owner it is."""
        return f"{owner}@{self._name}"
