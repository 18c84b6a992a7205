"""Find what a symbol in any spelling may mean, for filters of orders."""

from twap_models.enums import AGGREGATE
from twap_server.api.ports import MarketData
from twap_server.domain.errors import ExchangeUnavailable, UnknownExchange, UnknownSymbol


def canonical_symbols(market: MarketData, exchange: str | None, symbol: str) -> frozenset[str]:
    """Canonical names, on this exchange or, without one, on any; the text itself, too, as if it were one."""
    is_one = exchange not in (None, AGGREGATE)
    names = [exchange] if is_one and exchange else [status.name for status in market.exchanges()]
    found = {symbol.upper().replace("/", "-")}
    for name in names:
        try:
            found.add(market.find_instrument(name, symbol).id.symbol)
        except (UnknownExchange, UnknownSymbol, ExchangeUnavailable):
            continue
    return frozenset(found)
