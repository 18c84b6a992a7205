"""Tell a user what they took of a book's levels and what has not grown back: their orders see less.

Of orders under the usual impact model: others name a half-life or a model of their own.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from twap_models.enums import Side
from twap_server.domain.errors import TwapError
from twap_server.domain.execution.impact import ImpactMemory, LevelKey
from twap_server.domain.market.instrument import InstrumentId
from twap_server.engine.ports import Market


class OwnLevel(NamedTuple):
    """What a user took of one level, in base currency."""

    user_id: str
    instrument: InstrumentId
    side: Side
    """Of the taker."""
    price: Decimal
    taken: Decimal


class OwnTaken:
    """Looks into the memory of own impact; changes nothing in it."""

    def __init__(self, market: Market, impact: ImpactMemory) -> None:
        self._market, self._impact = market, impact

    def at(
        self, user_id: str, instrument: InstrumentId, side: Side, prices: Iterable[Decimal]
    ) -> Mapping[Decimal, Decimal]:
        """What a taker of ``side`` took at each of these prices, where it is something; in base currency."""
        live, lot = self._market.live_book(instrument), self._lot(instrument)
        if live is None or lot is None:
            return {}
        book = live.book
        found = {
            price: self._impact.settled(
                LevelKey(user_id, instrument, side, price),
                level_epoch=lambda price=price: book.level_epoch(side, price),  # type: ignore[misc]
                lot=lot,
            )
            for price in prices
        }
        return {price: taken for price, taken in found.items() if taken}

    def all_of(self, wanted: Collection[tuple[str, InstrumentId]]) -> Sequence[OwnLevel]:
        """Whatever these users took of these instruments, where it is something."""
        prices: dict[tuple[str, InstrumentId, Side], list[Decimal]] = {}
        for key in self._impact.keys_of(wanted):
            prices.setdefault((key.user_id, key.instrument, key.side), []).append(key.price)
        return [
            OwnLevel(*whose, price, taken)
            for whose, at in prices.items()
            for price, taken in self.at(*whose, at).items()
        ]

    def _lot(self, instrument: InstrumentId) -> Decimal | None:
        try:
            return self._market.find_instrument(instrument.exchange, instrument.symbol).lot_size or None
        except TwapError:  # no order can be filled there either
            return None
