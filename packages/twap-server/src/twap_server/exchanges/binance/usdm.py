"""Describe Binance USD-M futures: linear perpetual swaps. Market data only, no key.

Manual: USDⓈ-M Futures (WebSocket Market Streams, How to manage a local order book correctly, Market Data).
"""

from collections.abc import Sequence

from twap_server.domain.market.entries import Entries
from twap_server.domain.market.events import MarketEvent
from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.base import Asking, HttpRequest, Limits, Rate, asked
from twap_server.exchanges.binance import mapper, wire
from twap_server.exchanges.binance.market import BinanceMarket, CombinedStream
from twap_server.exchanges.chain import Chain
from twap_server.exchanges.decode import decoder

_decode_kind = decoder(wire.ContractKind)
_decode_contract = decoder(wire.Contract)

_PERPETUAL = "PERPETUAL"


class BinanceUsdmStream(CombinedStream):
    """One connection to USD-M."""

    beat = mapper.USDM_BEAT

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        return mapper.usdm_events(raw, self._symbols)


class BinanceUsdmExchange(BinanceMarket):
    """Perpetuals. Each change names its predecessor.

    Since 2026-04 streams stand at ``/public`` or ``/market``: books and single trades at the first, candles
    and summed trades at the second. A stream asked for at the wrong one is acknowledged and stays silent.
    """

    name = "binance-usdm"
    limits = Limits(
        connects=Rate(60, 300),  # no figure is published; spot allows five times as many
        sends=(Rate(8, 1),),  # the limit is 10, pongs count
        symbols_per_connection=90,  # the limit is 200 streams
        symbols_per_request=50,
        rest={"": Rate(2400, 60)},
        heaviest=20,
    )
    depths = (100, 500, 1000)
    default_ws_url = "wss://fstream.binance.com/public"
    other_ws_urls = ("wss://fstream.binance.com",)
    default_rest_url = "https://fapi.binance.com"
    rest_root = "/fapi/v1"
    depth_weights = ((100, 5), (500, 10), (1000, 20))
    row_weights = ((99, 1), (499, 2), (1000, 5))

    def new_stream(self) -> BinanceUsdmStream:
        """Begin a connection."""
        return BinanceUsdmStream(self._symbols)

    def new_sequencer(self, instrument: Instrument) -> Chain:
        """Follow pu and u: each change names its predecessor."""
        return Chain(holds=True, links=True)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All perpetuals of ``exchangeInfo``, which cannot be asked for some symbols only."""
        return asked(HttpRequest(path="/fapi/v1/exchangeInfo"), self.read_info)

    def read_symbol(self, entry: bytes) -> Instrument | None:
        """Read one perpetual; None of a dated contract."""
        if _decode_kind(entry).contractType != _PERPETUAL:
            return None
        return mapper.usdm_instrument(_decode_contract(entry), self.name)
