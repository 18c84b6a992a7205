"""Describe Kraken Spot: addresses, limits, requests. Market data only, no key.

Manuals: Spot WebSockets v2 (introduction, book, trades, ping), Spot REST (OHLC, AssetPairs, Depth).
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from twap_models.enums import Integrity, Interval
from twap_server.domain.market.entries import Entries
from twap_server.domain.market.events import BookSnapshot, Candle, MarketEvent
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.refusal import Refusal
from twap_server.exchanges.base import HttpRequest, KlineRules, Liveness, Page, RequestLimits, WsRequest
from twap_server.exchanges.kraken import mapper, names, refusals, rest, wire
from twap_server.exchanges.kraken.sequencer import KrakenSequencer

_MINUTES = {
    Interval.M1: "1",
    Interval.M5: "5",
    Interval.M15: "15",
    Interval.M30: "30",
    Interval.H1: "60",
    Interval.H4: "240",
    Interval.D1: "1440",
}


class KrakenExchange:
    """Books with checksums from ``book``, trades from ``trade``."""

    name: ClassVar[str] = "kraken"
    integrity: ClassVar[Integrity] = Integrity.CHECKSUM
    needs_rest_snapshot: ClassVar[bool] = False
    refresh_s: ClassVar[int] = 0
    limits: ClassVar[RequestLimits] = RequestLimits(
        messages_per_second=20,
        symbols_per_connection=50,
        symbols_per_request=1,  # a refusal then always names its symbol
        connect_attempts=150,
        connect_window_s=600,
        rest_weight_per_minute=60,
    )
    heartbeat: ClassVar[Liveness] = Liveness(silence_s=5, beat_s=1, ping_every_s=30)
    klines: ClassVar[KlineRules] = KlineRules(native=_MINUTES, max_rows=720, pages=False)
    depths: ClassVar[tuple[int, ...]] = (10, 25, 100, 500, 1000)

    def __init__(self, *, ws_url: str = "", rest_url: str = "", depth: int = 0) -> None:
        self._ws_url = ws_url or "wss://ws.kraken.com/v2"
        self._rest_url = rest_url or "https://api.kraken.com"
        self.book_depth = next((one for one in self.depths if one >= (depth or 100)), 1000)
        self._grids: dict[str, mapper.Grid] = {}

    @property
    def ws_url(self) -> str:
        """The public stream."""
        base = self._ws_url.rstrip("/")
        return base if base.endswith("/v2") else f"{base}/v2"

    @property
    def rest_url(self) -> str:
        """Base of ``/0/public``."""
        return self._rest_url.rstrip("/")

    def learn(self, instruments: Iterable[Instrument]) -> None:
        """Replace the mapping of symbols."""
        self._grids = {_stream_symbol(one): mapper.trading_rules_of(one) for one in instruments}

    def subscribe(self, instruments: Sequence[Instrument], *, first_id: int) -> Sequence[WsRequest]:
        """One request for the books, one for the trades."""
        return self._both("subscribe", instruments, first_id)

    def unsubscribe(self, instruments: Sequence[Instrument], *, first_id: int) -> Sequence[WsRequest]:
        """One request for the books, one for the trades."""
        return self._both("unsubscribe", instruments, first_id)

    def resubscribe(self, instrument: Instrument, *, first_id: int) -> Sequence[WsRequest]:
        """Unsubscribe and subscribe the book: the answer starts with a snapshot."""
        return (
            self._book("unsubscribe", [instrument], first_id),
            self._book("subscribe", [instrument], first_id + 1),
        )

    def canary(self, *, first_id: int) -> Sequence[WsRequest]:
        """The status of all pairs; heartbeats and the exchange's own status come unasked."""
        return (WsRequest(request_id=first_id, text=mapper.encode(wire.InstrumentRequest(req_id=first_id))),)

    def ping(self, request_id: int) -> str:
        """Keep the connection open and the answer coming."""
        return mapper.encode(wire.Request(method="ping", req_id=request_id))

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        return mapper.to_events(raw, self._grids)

    def new_sequencer(self, instrument: Instrument) -> KrakenSequencer:
        """Build the checksum rule."""
        return KrakenSequencer()

    def instruments_request(self) -> HttpRequest:
        """All pairs."""
        return HttpRequest(path="/0/public/AssetPairs")

    def parse_instruments(self, body: bytes) -> Entries[Instrument]:
        """Read ``AssetPairs``."""
        return rest.instruments(body, self.name)

    def status_requests(self, instruments: Sequence[Instrument]) -> Sequence[HttpRequest]:
        """Nothing: the channel ``instrument`` tells changes."""
        return ()

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def klines_request(self, instrument: Instrument, page: Page) -> HttpRequest:
        """The newest 720 rows and the open one: nothing older can be reached."""
        params = {"pair": instrument.native, "interval": page.native_interval}
        return HttpRequest(path="/0/public/OHLC", params=params)

    def parse_klines(self, body: bytes, native_interval: str) -> Entries[Candle]:
        """Read rows of 8 fields."""
        return rest.candles(body, int(native_interval))

    def depth_request(self, instrument: Instrument) -> HttpRequest:
        """The book, for comparison only."""
        params = {"pair": instrument.native, "count": str(min(self.book_depth, 500))}
        return HttpRequest(path="/0/public/Depth", params=params)

    def parse_depth(self, body: bytes, instrument: Instrument) -> BookSnapshot:
        """Read the book."""
        return rest.depth(body, instrument.id.symbol)

    def _both(self, method: str, instruments: Sequence[Instrument], first_id: int) -> Sequence[WsRequest]:
        if not instruments:
            return ()
        params = wire.TradeParams(symbol=[_stream_symbol(one) for one in instruments])
        trades = wire.TradeRequest(method=method, req_id=first_id + 1, params=params)
        return (
            self._book(method, instruments, first_id),
            WsRequest(
                request_id=first_id + 1,
                text=mapper.encode(trades),
                symbols=tuple(one.id.symbol for one in instruments),
                is_book=False,
                acks=len(instruments),
            ),
        )

    def _book(self, method: str, instruments: Sequence[Instrument], request_id: int) -> WsRequest:
        params = wire.BookParams(symbol=[_stream_symbol(one) for one in instruments], depth=self.book_depth)
        return WsRequest(
            request_id=request_id,
            text=mapper.encode(wire.Request(method=method, req_id=request_id, params=params)),
            symbols=tuple(one.id.symbol for one in instruments),
            acks=len(instruments),
        )


def _stream_symbol(instrument: Instrument) -> str:
    """From the exchange's own name of the pair, which is the first alias."""
    wsname = next(iter(instrument.aliases), f"{instrument.base}/{instrument.quote}")
    return names.on_stream(wsname)
