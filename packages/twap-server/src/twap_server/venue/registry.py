"""List the exchanges that can be simulated: a line each."""

from typing import Final

from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.protocols import (
    binance,
    binance_usdm,
    bitfinex,
    bitget,
    bitstamp,
    bybit,
    coinbase,
    coinbase_exchange,
    cryptocom,
    gate,
    gemini,
    htx,
    hyperliquid,
    kraken,
    kucoin,
    mexc,
    okx,
)

PROTOCOLS: Final[tuple[VenueProtocol, ...]] = (
    binance.PROTOCOL,
    kraken.PROTOCOL,
    binance_usdm.PROTOCOL,
    bitfinex.PROTOCOL,
    bitstamp.PROTOCOL,
    bybit.PROTOCOL,
    bybit.LINEAR,
    coinbase.PROTOCOL,
    coinbase_exchange.PROTOCOL,
    gate.PROTOCOL,
    kucoin.PROTOCOL,
    okx.PROTOCOL,
    cryptocom.PROTOCOL,
    bitget.PROTOCOL,
    gemini.PROTOCOL,
    htx.PROTOCOL,
    mexc.PROTOCOL,
    hyperliquid.PROTOCOL,
)
DEFAULT: Final = (binance.PROTOCOL, kraken.PROTOCOL)
"""Those of a demo."""
