"""Describe Crypto.com Exchange (spot): addresses, limits, requests. Market data only, no key.

Manual: Exchange API v1 (Websocket Heartbeats, Rate Limits, book, trade, ticker; public/get-* over REST).
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
from twap_server.exchanges.cryptocom import mapper, refusals, rest, wire

_TIMEFRAMES = {
    Interval.M1: "1m",
    Interval.M5: "5m",
    Interval.M15: "15m",
    Interval.M30: "30m",
    Interval.H1: "1h",
    Interval.H2: "2h",
    Interval.H4: "4h",
    Interval.H12: "12h",
    Interval.D1: "1D",
}
"""Its weeks and months are left out: the manual does not say where they begin."""
_CHANGES = "SNAPSHOT_AND_UPDATE"
_EVERY_MS = 100
"""Or 10: a book of this server is read once a second, and at each slice."""


class CryptocomStream(Stream):
    """One connection to the market stream."""

    def __init__(self, symbols: dict[str, str], depth: int) -> None:
        """Args: symbols: native to canonical, grows and shrinks with the list; depth: levels to ask for."""
        super().__init__()
        self._symbols, self._depth = symbols, depth

    def opening(self) -> Sequence[WsRequest]:
        """The busiest pair's ticker: the exchange's own heartbeat comes every 30 seconds only."""
        return (self._request("subscribe", f"{wire.TICKER}.BTC_USDT", is_book=False),)

    def subscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for each book, one for its trades."""
        return self._both("subscribe", instruments)

    def unsubscribe(self, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        """One request for each book, one for its trades."""
        return self._both("unsubscribe", instruments)

    def renew(self, instrument: Instrument) -> Sequence[WsRequest]:
        """Unsubscribe and subscribe the book: a snapshot comes a second after."""
        return tuple(self._about(method, wire.BOOK, instrument) for method in ("unsubscribe", "subscribe"))

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame; the exchange's heartbeat asks for a ``Reply``."""
        return mapper.to_events(raw, self._symbols)

    def _both(self, method: str, instruments: Sequence[Instrument]) -> Sequence[WsRequest]:
        return tuple(
            self._about(method, channel, one) for one in instruments for channel in (wire.BOOK, wire.TRADE)
        )

    def _about(self, method: str, kind: str, instrument: Instrument) -> WsRequest:
        is_book = kind == wire.BOOK
        channel = f"{kind}.{instrument.native}" + (f".{self._depth}" if is_book else "")
        return self._request(method, channel, instrument.id.symbol, is_book=is_book)

    def _request(self, method: str, channel: str, *symbols: str, is_book: bool) -> WsRequest:
        """Ask for a channel. Only of books the manual says how they are acknowledged."""
        number = self.next_id()
        params = wire.Channels(channels=[channel])
        if is_book and method == "subscribe":
            params.book_subscription_type, params.book_update_frequency = _CHANGES, _EVERY_MS
        text = mapper.encode(wire.Request(id=number, method=method, params=params))
        return WsRequest(
            request_id=number, text=text, symbols=symbols, is_book=is_book, acks=1 if is_book else 0
        )


class CryptocomExchange(Exchange):
    """Books from ``book.…``, whose changes name their predecessors; trades from ``trade.…``."""

    name = "cryptocom"
    integrity = Integrity.SEQUENCE
    start = Start.PUSHED
    limits = Limits(
        connects=Rate(20, 60),  # no limit is stated
        sends=(Rate(50, 1),),  # the limit is 100
        symbols_per_connection=100,  # two channels each, of 400
        symbols_per_request=1,  # a refusal may not say which channel it is about
        rest={"": Rate(100, 1)},
    )
    liveness = Liveness(silence_s=15, beat_s=2, settle_ms=1000)  # the first second's budget is cut
    klines = KlineRules(native=_TIMEFRAMES, max_rows=300, pages=True, gaps=True)
    depths = (10, 50)
    usual_depth = 50
    default_ws_url = "wss://stream.crypto.com/exchange/v1/market"
    default_rest_url = "https://api.crypto.com/exchange/v1"

    def new_stream(self) -> CryptocomStream:
        """Begin a connection."""
        return CryptocomStream(self._symbols, self.book_depth)

    def new_sequencer(self, instrument: Instrument) -> Chain:
        """Follow ``pu`` and ``u``: no counter, but a chain."""
        return Chain(links=True)

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def instruments(self) -> Asking[Entries[Instrument]]:
        """All instruments: one request, however many are wanted."""
        body = yield HttpRequest(path="/public/get-instruments")
        return rest.instruments(body, self.name)

    def candles(self, instrument: Instrument, page: Page) -> Asking[Entries[Candle]]:
        """One page, by times that lie just outside of its first and within its last candle."""
        size = length(page.interval)
        params = {
            "instrument_name": instrument.native,
            "timeframe": self.klines.native[page.interval],
            "count": str(page.limit),
            "start_ts": str(max(page.start // MILLISECOND - 1, 0)),
            "end_ts": str((page.end + size) // MILLISECOND - 1),
        }
        body = yield HttpRequest(path="/public/get-candlestick", params=params)
        return rest.candles(body, size // SECOND)

    def snapshot(self, instrument: Instrument) -> Asking[BookSnapshot]:
        """The book, for comparison only."""
        params = {"instrument_name": instrument.native, "depth": str(self.book_depth)}
        body = yield HttpRequest(path="/public/get-book", params=params)
        return rest.depth(body, instrument.id.symbol)
