"""Describe Binance Spot: addresses, limits, requests. Market data only, no key.

Manuals: WebSocket Streams for Binance, REST API (binance-spot-api-docs).
"""

from collections.abc import Sequence

import msgspec

from twap_server.domain.market.entries import Entries
from twap_server.domain.market.events import Heartbeat, MarketEvent
from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.base import Asking, HttpRequest, Limits, Rate, asked
from twap_server.exchanges.binance import mapper, wire
from twap_server.exchanges.binance.market import BinanceMarket, CombinedStream
from twap_server.exchanges.chain import Chain
from twap_server.exchanges.decode import decoder
from twap_server.exchanges.scan import scan_of

scan = scan_of("twap_server.exchanges.binance")
_decode_symbol = decoder(wire.SpotSymbol)

_BEST_QUOTE = b"@bookTicker"
_HEAD = 60
"""Bytes that hold the stream's name, where it is as short as usual."""
_NO_SYMBOLS: dict[str, str] = {}
_SYMBOLS_AT_ONCE = 100
"""Of one request for their status: they all stand in its address."""


class BinanceStream(CombinedStream):
    """One connection to spot."""

    beat = mapper.SPOT_BEAT

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        event = scan(raw, self._symbols)
        return mapper.spot_events(raw, self._symbols) if event is None else (event,)


class BinanceExchange(BinanceMarket):
    """Spot. Its changes tell from which update id to which."""

    name = "binance"
    by_default = True
    limits = Limits(
        connects=Rate(300, 300),
        sends=(Rate(4, 1),),  # the limit is 5, pongs count
        symbols_per_connection=100,
        symbols_per_request=50,
        rest={"": Rate(6000, 60)},
        heaviest=250,  # a book of 5,000 levels
    )
    depths = (100, 500, 1000, 5000)
    default_ws_url = "wss://stream.binance.com:9443"
    default_rest_url = "https://api.binance.com"
    rest_root = "/api/v3"
    depth_weights = ((100, 5), (500, 25), (1000, 50), (5000, 250))
    row_weights = ((1000, 2),)

    @staticmethod
    def says_nothing(raw: bytes) -> bool:
        """Whether it is a best quote as it usually comes: nobody asks for it."""
        return raw.find(_BEST_QUOTE, 0, _HEAD) > 0 and type(scan(raw, _NO_SYMBOLS)) is Heartbeat

    def new_stream(self) -> BinanceStream:
        """Begin a connection."""
        return BinanceStream(self._symbols)

    def new_sequencer(self, instrument: Instrument) -> Chain:
        """Follow U and u (manual: How to manage a local order book correctly)."""
        return Chain(holds=True)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All symbols of ``exchangeInfo``."""
        return asked(HttpRequest(path="/api/v3/exchangeInfo", weight=20), self.read_info)

    def statuses(self, instruments: Sequence[Instrument]) -> Asking[Entries[Instrument]]:
        """The same for some symbols only: no stream tells when one stops trading."""
        natives = [one.native for one in instruments]
        found: Entries[Instrument] = Entries([])
        for at in range(0, len(natives), _SYMBOLS_AT_ONCE):
            some = msgspec.json.encode(natives[at : at + _SYMBOLS_AT_ONCE]).decode()
            body = yield HttpRequest(path="/api/v3/exchangeInfo", params={"symbols": some}, weight=20)
            found += self.read_info(body)
        return found

    def read_symbol(self, entry: bytes) -> Instrument:
        """Read one symbol."""
        return mapper.spot_instrument(_decode_symbol(entry), self.name)
