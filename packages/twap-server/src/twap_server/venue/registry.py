"""List the exchanges that can be simulated: a line each."""

from typing import Final

from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.protocols import (
    binance,
    bitget,
    bybit,
    cryptocom,
    gate,
    gemini,
    htx,
    kraken,
    kucoin,
    mexc,
    okx,
)

PROTOCOLS: Final[tuple[VenueProtocol, ...]] = (
    binance.PROTOCOL,
    kraken.PROTOCOL,
    bybit.PROTOCOL,
    gate.PROTOCOL,
    kucoin.PROTOCOL,
    okx.PROTOCOL,
    cryptocom.PROTOCOL,
    bitget.PROTOCOL,
    gemini.PROTOCOL,
    htx.PROTOCOL,
    mexc.PROTOCOL,
)
DEFAULT: Final = (binance.PROTOCOL, kraken.PROTOCOL)
"""Those of a demo."""
