"""Describe Hyperliquid: perpetuals and spot pairs, which share their addresses. Market data only, no key.

Manual: API (WebSocket, timeouts and heartbeats, Info endpoint, rate limits, tick and lot size).
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
    KlineRules,
    Limits,
    Liveness,
    Page,
    Rate,
    SnapshotFirst,
    Start,
)
from twap_server.exchanges.hyperliquid import refusals, rest, wire
from twap_server.exchanges.hyperliquid.stream import HyperliquidStream

_INTERVALS = (
    Interval.M1,
    Interval.M3,
    Interval.M5,
    Interval.M15,
    Interval.M30,
    Interval.H1,
    Interval.H2,
    Interval.H4,
    Interval.H8,
    Interval.H12,
    Interval.D1,
)
"""It has weeks and months too, but does not say when they begin."""
_ROWS_A_WEIGHT = 60
_FAST, _DEEP = 5, 20
"""Levels of a book that comes twice a second, and of one that comes every five seconds."""


class HyperliquidExchange(Exchange):
    """Books from ``l2Book``, whole each time, and ``bbo`` between them; trades from ``trades``."""

    name = "hyperliquid"
    integrity = Integrity.WHOLE
    start = Start.WHOLE
    closes_on_refusal = True
    limits = Limits(
        connects=Rate(20, 60),  # the limit is 30
        connections=10,
        sends=(Rate(50, 1), Rate(600, 60)),  # the limit is 2,000 a minute of all connections
        symbols_per_connection=55,  # 1,000 subscriptions of all connections, one being replaced included
        symbols_per_request=1,
        rest={"": Rate(1000, 60)},  # the limit is 1,200
        heaviest=36,  # candles
    )
    liveness = Liveness(silence_s=20, ping_every_s=5)  # it has no heartbeat; books come, changed or not
    klines = KlineRules(
        native={one: one.value for one in _INTERVALS}, max_rows=1000, pages=True, gaps=True, reach=5000
    )
    depths = (_FAST, _DEEP)
    usual_depth = _FAST
    default_ws_url = "wss://api.hyperliquid.xyz/ws"
    default_rest_url = "https://api.hyperliquid.xyz"

    @property
    def book_silence_s(self) -> int:
        """Three times as long as from one whole book to the next, or a little more."""
        return 3 if self._is_fast else 17

    @property
    def _is_fast(self) -> bool:
        return self.book_depth == _FAST

    def new_stream(self) -> HyperliquidStream:
        """Begin a connection."""
        return HyperliquidStream(self._symbols, fast=self._is_fast)

    def new_sequencer(self, instrument: Instrument) -> SnapshotFirst:
        """Take each message as the whole book: it heals what one before it lost."""
        return SnapshotFirst()

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All perpetuals of its own, without those that others run on it, and all spot pairs."""
        body = yield rest.question(wire.Question(type="meta"))
        perpetuals = rest.perpetuals(body, self.name)
        body = yield rest.question(wire.Question(type="spotMeta"))
        return perpetuals + rest.pairs(body, self.name)

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """One page, by both ends; each sixty rows cost one more."""
        wanted = wire.CandleRange(
            coin=instrument.native,
            interval=self.klines.native[page.interval],
            start_time=page.start // MILLISECOND,
            end_time=page.end // MILLISECOND,
        )
        asked = wire.Question(type="candleSnapshot", req=wanted)
        body = yield rest.question(asked, weight=rest.WEIGHT + page.limit // _ROWS_A_WEIGHT)
        return rest.candles(body, length(page.interval) // SECOND)

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """The book, 20 levels a side: for comparison only."""
        body = yield rest.question(wire.Question(type="l2Book", coin=instrument.native), weight=2)
        return rest.depth(body, instrument.id.symbol)
