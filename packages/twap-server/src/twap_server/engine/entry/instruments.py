"""Look up what a symbol names on an exchange, and cache the trading rules that orders on it must fit.

In: exchange and symbol as a caller spells them. Out: the grid. One is made anew when the exchange changes its
instruments or their fees.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from twap_models.enums import AGGREGATE, InstrumentKind
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.symbols import NOT_SIMULATED, kind_of
from twap_server.domain.orders.trading_rules import TradingRules, trading_rules_of
from twap_server.engine.ports import Market


@dataclass(frozen=True, slots=True)
class _Made:
    """A grid and what it was made from."""

    instruments: Sequence[Instrument]
    fees: dict[str, Decimal]
    rules: TradingRules


class RulesCache:
    """Grids by exchange and canonical symbol: never more than there are instruments."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._made: dict[tuple[str, str], _Made] = {}

    def rules(self, exchange: str, symbol: str) -> TradingRules:
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
            rules = trading_rules_of(found, fees, exchange=exchange)
            notices = (*_about_contracts(rules), *self._notices(rules), *_left_out(found, rules))
            rules = replace(rules, notices=notices)
            made = self._made[key] = _Made(found, fees, rules)
        return made.rules

    def _notices(self, rules: TradingRules) -> tuple[str, ...]:
        return tuple(
            f"{destination.instrument.exchange} gives no proof that its book is whole: "
            "a change lost on the way stays unnoticed for minutes"
            for destination in rules.destinations
            if not self._market.is_proven(destination.instrument.exchange)
        )


def _about_contracts(rules: TradingRules) -> tuple[str, ...]:
    if kind_of(rules.symbol) is InstrumentKind.SPOT:
        return ()
    return (f"{rules.symbol} is a perpetual contract: {NOT_SIMULATED}",)


def _left_out(found: Sequence[Instrument], rules: TradingRules) -> tuple[str, ...]:
    """Warnings of the markets that orders do not reach."""
    return tuple(f"{one.id} is left out, for {one.fault}" for one in found if one.fault and not rules.fault)
