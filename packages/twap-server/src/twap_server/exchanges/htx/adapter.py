"""Describe HTX (spot, once Huobi): addresses, limits, requests. Market data only, no key.

Manual: HTX spot API (websocket market data, market depth, trade detail; reference and market data over REST).
"""

from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import SECOND
from twap_server.domain.market.candles import length
from twap_server.domain.market.entries import Entries
from twap_server.domain.market.events import BookSnapshot, Candle
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.refusal import Refusal
from twap_server.exchanges.base import (
    Asking,
    Exchange,
    HttpRequest,
    KlineRules,
    Limits,
    Liveness,
    Page,
    Rate,
    SnapshotFirst,
    Start,
)
from twap_server.exchanges.htx import refusals, rest
from twap_server.exchanges.htx.stream import HtxStream

_PERIODS = {
    Interval.M1: "1min",
    Interval.M5: "5min",
    Interval.M15: "15min",
    Interval.M30: "30min",
    Interval.H1: "60min",
    Interval.H4: "4hour",
}
"""Its days, weeks and months begin at UTC+8: ours are built from four hours, whose grid is that of UTC."""


class HtxExchange(Exchange):
    """Books from ``depth.step0``, whole each time, trades from ``trade.detail``.

    Its changes (``mbp``) come faster, but over another address, and their whole book comes from a question on
    that connection, which may be too old.
    """

    name = "htx"
    integrity = Integrity.WHOLE
    start = Start.WHOLE
    limits = Limits(
        connects=Rate(20, 60),  # no limit is stated
        sends=(Rate(20, 1),),  # nor here
        symbols_per_connection=24,  # two topics each; nor here
        symbols_per_request=1,
        rest={"": Rate(10, 1)},
    )
    liveness = Liveness(silence_s=15, beat_s=1)
    klines = KlineRules(native=_PERIODS, max_rows=2000, pages=False)
    depths = (150,)
    usual_depth = 150
    default_ws_url = "wss://api.huobi.pro/ws"
    default_rest_url = "https://api.huobi.pro"

    def new_stream(self) -> HtxStream:
        """Begin a connection."""
        return HtxStream(self._symbols)

    def new_sequencer(self, instrument: Instrument) -> SnapshotFirst:
        """Take each message as the whole book: it heals what one before it lost."""
        return SnapshotFirst()

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All markets: one request, however many are wanted."""
        body = yield HttpRequest(path="/v1/settings/common/market-symbols")
        return rest.instruments(body, self.name)

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """The newest 2,000 rows: no time can be asked for, and nothing older reached."""
        params = {
            "symbol": instrument.native,
            "period": self.klines.native[page.interval],
            "size": str(self.klines.max_rows),
        }
        body = yield HttpRequest(path="/market/history/kline", params=params)
        return rest.candles(body, length(page.interval) // SECOND)

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """The book, for comparison only."""
        params = {"symbol": instrument.native, "type": "step0"}
        body = yield HttpRequest(path="/market/depth", params=params)
        return rest.depth(body, instrument.id.symbol)
