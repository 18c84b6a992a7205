"""Describe Coinbase Exchange (spot): addresses, limits, requests. Market data only, no key.

Manuals: Exchange WebSocket Feed (overview, channels, rate limits), Exchange REST API (products, candles).
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal

from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import SECOND
from twap_server.domain.market.entries import Entries
from twap_server.domain.market.events import BookSnapshot, Candle, MarketEvent
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.refusal import Refusal
from twap_server.exchanges.base import HttpRequest, KlineRules, Liveness, Page, RequestLimits, WsRequest
from twap_server.exchanges.coinbase import mapper, refusals, rest, wire
from twap_server.exchanges.coinbase.sequencer import CoinbaseSequencer
from twap_server.exchanges.scan import scan_of

scan = scan_of("twap_server.exchanges.coinbase")
_SECONDS = {
    Interval.M1: "60",
    Interval.M5: "300",
    Interval.M15: "900",
    Interval.H1: "3600",
    Interval.H6: "21600",
    Interval.D1: "86400",
}
_BOOK, _TRADES = "level2_batch", "matches"


class CoinbaseExchange:
    """Books from ``level2_batch``, trades from ``matches``. Nothing here proves that a book is whole."""

    name: ClassVar[str] = "coinbase"
    integrity: ClassVar[Integrity] = Integrity.NONE
    needs_rest_snapshot: ClassVar[bool] = False
    refresh_s: ClassVar[int] = 300
    limits: ClassVar[RequestLimits] = RequestLimits(
        messages_per_second=20,  # the limit is 100 for an address
        symbols_per_connection=10,  # a snapshot of a busy book has megabytes
        symbols_per_request=1,  # one bad product and the whole request is ignored
        connect_attempts=8,
        connect_window_s=1,
        rest_weight_per_minute=480,  # the limit is 10 a second
    )
    heartbeat: ClassVar[Liveness] = Liveness(silence_s=5, beat_s=1)
    klines: ClassVar[KlineRules] = KlineRules(native=_SECONDS, max_rows=300, pages=True, gaps=True)
    depths: ClassVar[tuple[int, ...]] = ()

    def __init__(self, *, ws_url: str = "", rest_url: str = "", depth: int = 0) -> None:
        self._ws_url = ws_url or "wss://ws-feed.exchange.coinbase.com"
        self._rest_url = rest_url or "https://api.exchange.coinbase.com"
        self._symbols: dict[str, str] = {}
        self.book_depth = 0

    @property
    def ws_url(self) -> str:
        """The public feed."""
        return self._ws_url

    @property
    def rest_url(self) -> str:
        """Base of ``/products``."""
        return self._rest_url.rstrip("/")

    def learn(self, instruments: Iterable[Instrument]) -> None:
        """Replace the mapping of symbols."""
        self._symbols = {one.native: one.id.symbol for one in instruments}

    def subscribe(self, instruments: Sequence[Instrument], *, first_id: int) -> Sequence[WsRequest]:
        """One request for books and trades: the acknowledgement lists both."""
        return _request("subscribe", instruments, (_BOOK, _TRADES), first_id) if instruments else ()

    def unsubscribe(self, instruments: Sequence[Instrument], *, first_id: int) -> Sequence[WsRequest]:
        """One request for books and trades."""
        return _request("unsubscribe", instruments, (_BOOK, _TRADES), first_id) if instruments else ()

    def resubscribe(self, instrument: Instrument, *, first_id: int) -> Sequence[WsRequest]:
        """Unsubscribe and subscribe the book: the answer starts with a snapshot."""
        return (
            *_request("unsubscribe", [instrument], (_BOOK,), first_id),
            *_request("subscribe", [instrument], (_BOOK,), first_id + 1),
        )

    def canary(self, *, first_id: int) -> Sequence[WsRequest]:
        """A heartbeat a second; who asks for nothing within 5 s is disconnected."""
        text = mapper.encode(wire.Request(type="subscribe", product_ids=["BTC-USD"], channels=["heartbeat"]))
        return (WsRequest(request_id=first_id, text=text),)

    def ping(self, request_id: int) -> str:
        """Never sent: the server pings on the WebSocket level."""
        return ""

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        change = scan(raw, self._symbols)
        return mapper.to_events(raw, self._symbols) if change is None else (change,)

    def new_sequencer(self, instrument: Instrument) -> CoinbaseSequencer:
        """Build the rule that proves nothing."""
        return CoinbaseSequencer()

    def instruments_request(self) -> HttpRequest:
        """All products."""
        return HttpRequest(path="/products")

    def parse_instruments(self, body: bytes) -> Entries[Instrument]:
        """Read ``/products``."""
        return rest.instruments(body, self.name)

    def status_requests(self, instruments: Sequence[Instrument]) -> Sequence[HttpRequest]:
        """All products again: one request, however many are wanted."""
        return [self.instruments_request()] if instruments else ()

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def klines_request(self, instrument: Instrument, page: Page) -> HttpRequest:
        """One page: start and end come together, for one alone is ignored."""
        params = {"granularity": page.native_interval}
        if page.end is not None:
            step, end = int(page.native_interval), page.end // SECOND
            first = end // step * step - (page.limit - 1) * step
            if page.start is not None:
                first = max(first, -(-page.start // SECOND))
            params |= {"start": str(first), "end": str(end)}
        return HttpRequest(path=f"/products/{instrument.native}/candles", params=params)

    def parse_klines(self, body: bytes, native_interval: str) -> Entries[Candle]:
        """Read rows of 6 fields."""
        return rest.candles(body, int(native_interval))

    def depth_request(self, instrument: Instrument) -> HttpRequest:
        """The book, for comparison only."""
        return HttpRequest(path=f"/products/{instrument.native}/book", params={"level": "2"})

    def parse_depth(self, body: bytes, instrument: Instrument) -> BookSnapshot:
        """Read the book."""
        return rest.depth(body, instrument.id.symbol)


def _request(
    kind: Literal["subscribe", "unsubscribe"],
    instruments: Sequence[Instrument],
    channels: Sequence[str],
    request_id: int,
) -> Sequence[WsRequest]:
    request = wire.Request(
        type=kind, product_ids=[one.native for one in instruments], channels=list(channels)
    )
    symbols = tuple(one.id.symbol for one in instruments)
    return (
        WsRequest(request_id=request_id, text=mapper.encode(request), symbols=symbols, acks=len(instruments)),
    )
