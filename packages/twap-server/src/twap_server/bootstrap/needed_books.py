"""Find the books that the orders of a replay need, and wait until they are live."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from twap_models.enums import AGGREGATE
from twap_models.names import exchange_name
from twap_models.orders import TwapOrderRequest
from twap_server.bootstrap.played_exchange import PlayedExchange
from twap_server.collector.market_data import LiveMarket
from twap_server.domain.clock import SECOND, Nanos
from twap_server.domain.errors import BookUnavailable, InvalidRequest, UnknownSymbol
from twap_server.domain.market.events import BookStatus
from twap_server.domain.market.instrument import Instrument, InstrumentId
from twap_server.replay.player import TapePlayer

_OWNER: Final = "replay"
_LOOK_EVERY_S: Final = 0.01
_PATIENCE: Final = 10 * SECOND
"""An order on all exchanges waits so long for its other books once one is live."""


class NeededBooks:
    """The books of one replay."""

    def __init__(
        self, exchanges: Mapping[str, PlayedExchange], market: LiveMarket, player: TapePlayer
    ) -> None:
        """Args: exchanges: those that were recorded, by name; all of their lists are known to the market."""
        self._exchanges, self._market, self._player = exchanges, market, player

    async def until_live(
        self,
        orders: Sequence[TwapOrderRequest],
        *,
        on_held: Callable[[Sequence[Sequence[Instrument]]], None] = lambda _: None,
    ) -> None:
        """Hold the books of all orders, and play until they are live.

        Args:
            orders: of the replay.
            on_held: called with the instruments of each order before anything is played.

        Raises:
            InvalidRequest: an order is for an exchange that was not recorded, or a book cannot begin.
            UnknownSymbol: no recording has anything of its symbol.
            BookUnavailable: the recordings end before.
        """
        needed = [self._markets(order) for order in orders]
        for instrument in dict.fromkeys(one for every in needed for one in every):
            self._market.hold(instrument.id, _OWNER)
        on_held(needed)
        for ids in dict.fromkeys(tuple(one.id for one in every) for every in needed):
            await self._until_all_live(ids)

    def _markets(self, order: TwapOrderRequest) -> Sequence[Instrument]:
        """Find the instruments whose books an order needs.

        Raises:
            InvalidRequest: the order is for an exchange that was not recorded, or a book cannot begin.
            UnknownSymbol: no recording has anything of it.
        """
        name = exchange_name(order.exchange)
        if name == AGGREGATE:
            return self._everywhere(order)
        if name not in self._exchanges:
            names = ", ".join(self._exchanges)
            raise InvalidRequest(
                f"order {order.token_id} is for {order.exchange}, and the recording is of {names}: "
                f"set its exchange to {names}, or replay a recording of {order.exchange}",
                field="--order",
            )
        try:
            found = self._market.find_instrument(name, order.symbol)
        except UnknownSymbol as error:
            raise self._unknown(order, error, [self._exchanges[name]]) from None
        self._exchanges[name].check_book(self._market.collector(name).exchange, found)
        return (found,)

    def _everywhere(self, order: TwapOrderRequest) -> Sequence[Instrument]:
        """The instruments of an order on all exchanges whose book can begin."""
        try:
            found = self._market.find_everywhere(order.symbol)
        except UnknownSymbol as error:
            raise self._unknown(order, error, list(self._exchanges.values())) from None
        begin = [one for one in found if self._can_begin(one)]
        if not begin:
            first = found[0]
            self._exchanges[first.id.exchange].check_book(
                self._market.collector(first.id.exchange).exchange, first
            )
        return begin

    def _can_begin(self, instrument: Instrument) -> bool:
        name = instrument.id.exchange
        return self._exchanges[name].has_book(self._market.collector(name).exchange, instrument)

    def _unknown(
        self, order: TwapOrderRequest, error: UnknownSymbol, among: Sequence[PlayedExchange]
    ) -> UnknownSymbol:
        held = ", ".join(pairs for one in among if (pairs := one.pairs()))
        if not held:
            return UnknownSymbol(f"order {order.token_id}: {error}")
        return UnknownSymbol(
            f"order {order.token_id}: the recording has no message of {order.symbol}; it has {held}"
        )

    async def _until_all_live(self, instruments: Sequence[InstrumentId]) -> None:
        """Wait until the books are live; of several, for the others only so long once one is.

        Raises:
            BookUnavailable: the recordings end before.
        """
        since: Nanos | None = None
        while True:
            waiting = [one for one in instruments if not self._is_live(one)]
            now = self._player.clock.now()
            if len(waiting) < len(instruments) and since is None:
                since = now
            if not waiting or (since is not None and now - since >= _PATIENCE):
                return
            if self._player.ended.is_set():
                raise BookUnavailable(f"the recording ends before the book of {waiting[0]} is live")
            await self._player.clock.sleep(_LOOK_EVERY_S)

    def _is_live(self, instrument: InstrumentId) -> bool:
        view = self._market.view(instrument, 1)
        return view is not None and view.status is BookStatus.LIVE
