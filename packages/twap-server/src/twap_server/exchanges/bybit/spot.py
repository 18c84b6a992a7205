"""Describe Bybit (spot): address, limits, instruments. Market data only, no key."""

from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.base import Limits
from twap_server.exchanges.bybit import rest
from twap_server.exchanges.bybit.market import CONNECTS, REST, SENDS, BybitMarket


class BybitExchange(BybitMarket):
    """Spot."""

    name = "bybit"
    category = "spot"
    limits = Limits(
        connects=CONNECTS,
        sends=SENDS,
        symbols_per_connection=100,  # all topics of a connection together have 21,000 characters at most
        symbols_per_request=5,  # ten topics
        rest=REST,
    )
    default_ws_url = "wss://stream.bybit.com/v5/public/spot"
    rest_levels = 1000

    def read_entry(self, entry: bytes) -> Instrument:
        """Read one pair."""
        return rest.spot_instrument(entry, self.name)
