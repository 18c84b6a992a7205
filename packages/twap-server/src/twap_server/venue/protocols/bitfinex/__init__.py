"""Speak Bitfinex's v2 (spot)."""

from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.protocols.bitfinex.rest import BitfinexRest
from twap_server.venue.protocols.bitfinex.socket import BitfinexSession
from twap_server.venue.protocols.bitfinex.wire import spec_of

PROTOCOL = VenueProtocol(
    name="bitfinex",
    session=BitfinexSession,
    sockets=("/ws/2",),
    ws_base="/ws/2",
    rest_base="/v2",
    rest=lambda source, clock: BitfinexRest(source, clock).routes(),
    specs=lambda base, quote: (spec_of(base, quote),),
    has_checksums=True,
)
