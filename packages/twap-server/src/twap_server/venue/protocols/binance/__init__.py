"""Speak the Binance protocol (spot)."""

from twap_server.venue import instruments
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.protocols.binance.rest import BinanceRest
from twap_server.venue.protocols.binance.socket import BinanceSession

PROTOCOL = VenueProtocol(
    name=instruments.BINANCE,
    session=BinanceSession,
    sockets=("/ws", "/ws/{streams:path}", "/stream"),
    rest=lambda source, clock: BinanceRest(source, clock=clock).routes(),
    specs=lambda base, quote: (instruments.made_up(instruments.BINANCE, base + quote, base, quote),),
)
