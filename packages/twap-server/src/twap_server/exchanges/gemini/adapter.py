"""Describe Gemini (spot): addresses, limits, requests. Market data only, no key.

Manual: WebSocket API (introduction, streams), REST API (symbol details, candles, order book, rate limits).
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
    Start,
)
from twap_server.exchanges.chain import Chain
from twap_server.exchanges.gemini import refusals, rest
from twap_server.exchanges.gemini.stream import GeminiStream

_WIDTHS = {
    Interval.M1: "1m",
    Interval.M5: "5m",
    Interval.M15: "15m",
    Interval.M30: "30m",
    Interval.H1: "1hr",
}
"""Its days do not begin at midnight UTC, and where its six hours begin is not stated."""
_WHOLE_BOOKS = "/?snapshot=-1"


class GeminiExchange(Exchange):
    """Books from ``…@depth@100ms``, whose changes name their predecessors; trades from ``…@trade``."""

    name = "gemini"
    integrity = Integrity.SEQUENCE
    start = Start.PUSHED
    limits = Limits(
        connects=Rate(300, 300),
        sends=(Rate(20, 1),),  # a weight of 7,000 in 10 seconds
        symbols_per_connection=10,  # two streams each; 20 were seen to work, and one fault may cost all books
        symbols_per_request=1,  # one wrong name refuses all of a request
        rest={"": Rate(60, 60)},  # the limit is 120; one a second is recommended
    )
    liveness = Liveness(silence_s=30, beat_s=2, ping_every_s=10)
    klines = KlineRules(native=_WIDTHS, max_rows=2015, pages=False, is_fixed=True)
    default_ws_url = "wss://ws.gemini.com"
    default_rest_url = "https://api.gemini.com"

    def __init__(self, *, ws_url: str = "", rest_url: str = "", depth: int = 0) -> None:
        super().__init__(ws_url=ws_url, rest_url=rest_url, depth=depth)
        self.ws_url += _WHOLE_BOOKS

    def new_stream(self) -> GeminiStream:
        """Begin a connection."""
        return GeminiStream(self._symbols)

    def new_sequencer(self, instrument: Instrument) -> Chain:
        """Follow ``U`` and ``u``; a change may begin before the newest, never behind it."""
        return Chain()

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All markets: one request, however many are wanted."""
        body = yield HttpRequest(path="/v1/symbols/details/all")
        return rest.instruments(body, self.name)

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """What the exchange gives of a width: no time and no number of rows can be asked for."""
        width = self.klines.native[page.interval]
        body = yield HttpRequest(path=f"/v2/candles/{instrument.native}/{width}")
        return rest.candles(body, length(page.interval) // SECOND)

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """The book, for comparison only."""
        params = {"limit_bids": "0", "limit_asks": "0"}
        body = yield HttpRequest(path=f"/v1/book/{instrument.native}", params=params)
        return rest.depth(body, instrument.id.symbol)
