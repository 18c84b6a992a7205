"""Describe Bybit's linear contracts: perpetual swaps paid in USDT or USDC. Market data only, no key."""

from twap_server.domain.market.instrument import Instrument
from twap_server.exchanges.base import Limits
from twap_server.exchanges.bybit import rest
from twap_server.exchanges.bybit.market import CONNECTS, REST, SENDS, BybitMarket


class BybitLinearExchange(BybitMarket):
    """Perpetuals. Dated contracts of the same market are left out; inverse ones are another market."""

    name = "bybit-linear"
    category = "linear"
    limits = Limits(
        connects=CONNECTS,
        sends=SENDS,
        symbols_per_connection=100,  # as spot; one request may have as many topics as there is room for
        symbols_per_request=50,
        rest=REST,
    )
    default_ws_url = "wss://stream.bybit.com/v5/public/linear"
    rest_levels = 500

    def read_entry(self, entry: bytes) -> Instrument | None:
        """Read one perpetual; None of a dated contract."""
        return rest.linear_instrument(entry, self.name)
