"""What a symbol names on an exchange, and the grid that orders on it must fit: worked out once.

In: exchange and symbol as a caller spells them. Out: the grid. One is made anew when the exchange changes its
instruments or their fees.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from twap_models.enums import AGGREGATE
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.orders.trading_rules import Grid, grid_of
from twap_server.engine.ports import Market


@dataclass(frozen=True, slots=True)
class _Made:
    """A grid and what it was made from."""

    instruments: Sequence[Instrument]
    fees: dict[str, Decimal]
    grid: Grid


class Listings:
    """Grids by exchange and canonical symbol: never more than there are instruments."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._made: dict[tuple[str, str], _Made] = {}

    def grid(self, exchange: str, symbol: str) -> Grid:
        """Look a symbol up by any spelling.

        Raises:
            UnknownExchange, UnknownSymbol: with near matches in the message.
            ExchangeUnavailable: the exchange's instruments are not known yet.
        """
        found: Sequence[Instrument]
        if exchange == AGGREGATE:
            found = self._market.find_everywhere(symbol)
        else:
            found = [self._market.find_instrument(exchange, symbol)]
        fees = {one.id.exchange: self._market.taker_fee(one.id.exchange) for one in found}
        key = (exchange, found[0].id.symbol)
        made = self._made.get(key)
        if made is None or made.instruments != found or made.fees != fees:
            grid = grid_of(found, fees, exchange=exchange)
            grid = replace(grid, notices=(*self._notices(grid), *_left_out(found, grid)))
            made = self._made[key] = _Made(found, fees, grid)
        return made.grid

    def _notices(self, grid: Grid) -> tuple[str, ...]:
        return tuple(
            f"{leg.instrument.exchange} gives no proof that its book is whole: "
            "a change lost on the way stays unnoticed for minutes"
            for leg in grid.legs
            if not self._market.is_proven(leg.instrument.exchange)
        )


def _left_out(found: Sequence[Instrument], grid: Grid) -> tuple[str, ...]:
    """Warnings of the markets that orders do not reach."""
    return tuple(f"{one.id} is left out, for {one.fault}" for one in found if one.fault and not grid.fault)
