"""Instruments as the exchanges of the registry list them."""

from support.exchanges import case_of
from twap_server.domain.market.instrument import Instrument


def instrument(exchange: str, base: str = "BTC", quote: str = "USDT") -> Instrument:
    """One of an exchange's."""
    return case_of(exchange).instrument(base, quote)
