"""Look up what a symbol names on an exchange, and cache the trading rules that orders on it must fit.

In: exchange and symbol as a caller spells them. Out: the grid. One is made anew when the exchange changes its
instruments or their fees.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from twap_models.enums import AGGREGATE, FeeSource, InstrumentKind
from twap_server.domain import exact
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.symbols import NOT_SIMULATED, kind_of
from twap_server.domain.orders.trading_rules import TradingRules, trading_rules_of
from twap_server.engine.ports import Market

_PERCENT = Decimal(100)


@dataclass(frozen=True, slots=True)
class _Made:
    """A grid and what it was made from."""

    instruments: Sequence[Instrument]
    fees: dict[str, Decimal]
    """Of the settings: also where others apply, for they are used where those are not known."""
    rules: TradingRules


class RulesCache:
    """Grids by exchange and canonical symbol: never more than there are instruments."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._made: dict[tuple[str, str, FeeSource], _Made] = {}

    def rules(self, exchange: str, symbol: str, source: FeeSource = FeeSource.SETTINGS) -> TradingRules:
        """Look a symbol up by any spelling; ``source`` says which fees apply.

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
        key = (exchange, found[0].id.symbol, source)
        made = self._made.get(key)
        if made is None or made.instruments != found or made.fees != fees:
            published = self._published(found) if source is FeeSource.PUBLISHED else {}
            rules = trading_rules_of(found, fees | published, exchange=exchange)
            notices = (*_about_contracts(rules), *self._notices(rules), *_left_out(found, rules))
            if source is FeeSource.PUBLISHED:
                notices += _about_fees(rules, published)
            rules = replace(rules, notices=notices, published=frozenset(published))
            made = self._made[key] = _Made(found, fees, rules)
        return made.rules

    def _published(self, found: Sequence[Instrument]) -> dict[str, Decimal]:
        """The fees that the exchanges publish, as far as they are known."""
        fees = {one.id.exchange: self._market.published_fee(one.id) for one in found}
        return {exchange: fee for exchange, fee in fees.items() if fee is not None}

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


def _about_fees(rules: TradingRules, published: dict[str, Decimal]) -> tuple[str, ...]:
    """Warnings of fees that are not those of the exchange."""
    return tuple(
        f"what {destination.instrument.exchange} publishes as its taker fee is not known: "
        f"the fee of the settings applies, {exact.text(exact.multiply(destination.fee, _PERCENT))} %"
        for destination in rules.destinations
        if destination.instrument.exchange not in published
    )


def _left_out(found: Sequence[Instrument], rules: TradingRules) -> tuple[str, ...]:
    """Warnings of the markets that orders do not reach."""
    return tuple(f"{one.id} is left out, for {one.fault}" for one in found if one.fault and not rules.fault)
