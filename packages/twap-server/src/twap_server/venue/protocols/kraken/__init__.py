"""Speak the Kraken v2 protocol (spot)."""

from twap_server.venue import instruments
from twap_server.venue.protocol import VenueProtocol
from twap_server.venue.protocols.kraken.rest import KrakenRest
from twap_server.venue.protocols.kraken.socket import KrakenSession

PROTOCOL = VenueProtocol(
    name=instruments.KRAKEN,
    session=KrakenSession,
    sockets=("/v2",),
    ws_base="/v2",
    rest=lambda source, clock: KrakenRest(source, clock=clock).routes(),
    specs=lambda base, quote: (instruments.made_up(instruments.KRAKEN, f"{base}/{quote}", base, quote),),
    merges=False,
    has_checksums=True,
)
