"""Describe Bitfinex (spot): addresses, limits, requests. Market data only, no key.

Manuals: WebSocket v2 (general, books, trades, checksum), REST v2 (configs, candles, book), Requirements and
Limitations.
"""

from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import MILLISECOND, SECOND
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
    asked,
)
from twap_server.exchanges.bitfinex import refusals, rest
from twap_server.exchanges.bitfinex.sequencer import BitfinexSequencer
from twap_server.exchanges.bitfinex.stream import BitfinexStream

_FRAMES = {
    Interval.M1: "1m",
    Interval.M5: "5m",
    Interval.M15: "15m",
    Interval.M30: "30m",
    Interval.H1: "1h",
    Interval.H6: "6h",
    Interval.H12: "12h",
    Interval.D1: "1D",
}
"""Its weeks and months are left out: the manual does not say when they begin."""
_LISTS = "/conf/pub:info:pair,pub:map:currency:sym"
_REST_LENGTH = 100


class BitfinexExchange(Exchange):
    """Books and trades from channels of numbered connections, books with checksums beside it."""

    name = "bitfinex"
    numbers_connections = True
    integrity = Integrity.SEQUENCE
    start = Start.PUSHED
    limits = Limits(
        connects=Rate(20, 60),
        symbols_per_connection=12,  # at least 25 channels, two a symbol
        symbols_per_request=1,
        rest={
            "candles": Rate(30, 60),
            "conf": Rate(90, 60),
            "": Rate(10, 60),  # others: 10 to 90, the manual does not say which
        },
    )
    # Each channel speaks every 15 s by itself: too seldom to tell a dead connection, so it is asked.
    liveness = Liveness(silence_s=20, ping_every_s=5)
    klines = KlineRules(native=_FRAMES, max_rows=10_000, pages=True, gaps=True)
    depths = (25, 100, 250)
    usual_depth = 100
    default_ws_url = "wss://api-pub.bitfinex.com/ws/2"
    default_rest_url = "https://api-pub.bitfinex.com/v2"

    def __init__(self, *, ws_url: str = "", rest_url: str = "", depth: int = 0) -> None:
        super().__init__(ws_url=ws_url, rest_url=rest_url, depth=depth)
        self._length, self.book_depth = self.book_depth, 0  # the exchange removes what leaves the depth

    def new_stream(self) -> BitfinexStream:
        """Begin a connection."""
        return BitfinexStream(self._symbols, self._length)

    def new_sequencer(self, instrument: Instrument) -> BitfinexSequencer:
        """Build the checksum rule."""
        return BitfinexSequencer()

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All pairs and what their assets are called: two lists, asked for together."""
        request = HttpRequest(path=_LISTS, bucket="conf")
        return asked(request, lambda body: rest.instruments(body, self.name))

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """One page, by its times."""
        request = HttpRequest(
            path=f"/candles/trade:{self.klines.native[page.interval]}:{instrument.native}/hist",
            params={
                "limit": str(page.limit),
                "start": str(page.start // MILLISECOND),
                "end": str(page.end // MILLISECOND),
                "sort": "1",
            },
            bucket="candles",
        )
        return asked(request, lambda body: rest.candles(body, length(page.interval) // SECOND))

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """The book, for comparison only."""
        request = HttpRequest(path=f"/book/{instrument.native}/P0", params={"len": str(_REST_LENGTH)})
        return asked(request, lambda body: rest.depth(body, instrument.id.symbol))
