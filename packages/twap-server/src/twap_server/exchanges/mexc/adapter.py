"""Describe MEXC (spot): addresses, limits, requests. Market data only, no key.

Manual: MEXC API, Spot V3 (Websocket Market Streams, "How to Properly Maintain a Local Copy of the Order
Book"; market data over REST; its published ``.proto`` files).
"""

from collections.abc import Sequence

from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import MILLISECOND, SECOND
from twap_server.domain.market.candles import length
from twap_server.domain.market.entries import Entries
from twap_server.domain.market.events import BookSnapshot, Candle, MarketEvent
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
    Stream,
    WsRequest,
)
from twap_server.exchanges.chain import Chain
from twap_server.exchanges.mexc import mapper, refusals, rest, wire

_INTERVALS = {
    Interval.M1: "1m",
    Interval.M5: "5m",
    Interval.M15: "15m",
    Interval.M30: "30m",
    Interval.H1: "60m",
    Interval.H4: "4h",
}
"""Where its days, weeks and months begin is not stated: ours are built from four hours."""


class MexcStream(Stream):
    """One connection to the public stream. Answers name channels, not requests."""

    def __init__(self, symbols: dict[str, str]) -> None:
        """Args: symbols: native to canonical; grows and shrinks with the list."""
        super().__init__()
        self._symbols = symbols

    def opening(self) -> Sequence[WsRequest]:
        """The busiest market's best prices: the exchange sends no heartbeats, and closes what is idle."""
        return (self._request("SUBSCRIPTION", wire.BEST, "BTCUSDT"),)

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for each book, one for its trades."""
        return self._both("SUBSCRIPTION", instruments)

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for each book, one for its trades."""
        return self._both("UNSUBSCRIPTION", instruments)

    def ping(self) -> str:
        """Keep the connection open."""
        return mapper.encode(wire.Request(method="PING"))

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        return mapper.to_events(raw, self._symbols)

    def _both(self, method: str, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        return tuple(
            self._request(method, kind, one.native, one)
            for one in instruments
            for kind in (wire.BOOK, wire.TRADES)
        )

    def _request(self, method: str, kind: str, native: str, *about: Instrument) -> WsRequest:
        text = mapper.encode(wire.Request(method=method, params=[mapper.channel(kind, native)]))
        return WsRequest(
            request_id=self.next_id(),
            text=text,
            symbols=tuple(one.id.symbol for one in about),
            is_book=kind == wire.BOOK,
            acks=1 if kind == wire.BOOK else 0,  # nothing would tell the others' from each other
        )


class MexcExchange(Exchange):
    """Books from ``aggre.depth``, joined to a book over REST; trades from ``aggre.deals``."""

    name = "mexc"
    integrity = Integrity.SEQUENCE
    start = Start.FETCHED
    limits = Limits(
        connects=Rate(20, 60),  # no limit is stated
        sends=(Rate(20, 1),),  # the limit is 100
        symbols_per_connection=14,  # two channels each, and one more, of 30
        symbols_per_request=1,
        rest={"": Rate(300, 10)},  # the limit is 500, of each endpoint
        heaviest=10,
    )
    liveness = Liveness(silence_s=30, beat_s=1, ping_every_s=15)
    klines = KlineRules(
        native=_INTERVALS, max_rows=500, pages=True, gaps=True
    )  # 500 or 1,000, sources differ
    depths = (100, 500, 1000, 5000)
    usual_depth = 1000
    default_ws_url = "wss://wbs-api.mexc.com/ws"
    default_rest_url = "https://api.mexc.com"

    def new_stream(self) -> MexcStream:
        """Begin a connection."""
        return MexcStream(self._symbols)

    def new_sequencer(self, instrument: Instrument) -> Chain:
        """Follow ``fromVersion`` and ``toVersion``."""
        return Chain(holds=True)

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All markets: one request, however many are wanted."""
        body = yield HttpRequest(path="/api/v3/exchangeInfo", weight=10)
        return rest.instruments(body, self.name)

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """One page, by its times; its end lies within the last candle."""
        size = length(page.interval)
        params = {
            "symbol": instrument.native,
            "interval": self.klines.native[page.interval],
            "startTime": str(page.start // MILLISECOND),
            "endTime": str((page.end + size) // MILLISECOND - 1),
            "limit": str(page.limit),
        }
        body = yield HttpRequest(path="/api/v3/klines", params=params)
        return rest.candles(body, size // SECOND)

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """As many levels as are kept. It is a second old at times: too old to join, and asked for again."""
        params = {"symbol": instrument.native, "limit": str(self.book_depth)}
        body = yield HttpRequest(path="/api/v3/depth", params=params)
        return rest.book(body, instrument.id.symbol)
