"""Describe Binance Spot: addresses, limits, requests. Market data only, no key.

Manuals: WebSocket Streams for Binance, REST API (binance-spot-api-docs).
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar

import msgspec

from twap_models.enums import Integrity, Interval
from twap_server.domain.clock import MILLISECOND
from twap_server.domain.market.entries import Entries, read_each
from twap_server.domain.market.events import BookSnapshot, Candle, MarketEvent
from twap_server.domain.market.instrument import Instrument
from twap_server.domain.market.refusal import Refusal
from twap_server.exchanges.base import HttpRequest, KlineRules, Liveness, Page, RequestLimits, WsRequest
from twap_server.exchanges.binance import mapper, refusals, wire
from twap_server.exchanges.binance.sequencer import BinanceSequencer
from twap_server.exchanges.decode import decoder, named_by, row_name
from twap_server.exchanges.scan import scan_of

scan = scan_of("twap_server.exchanges.binance")
_decode_info = decoder(wire.ExchangeInfo)
_decode_depth = decoder(wire.Depth)
_decode_entry = decoder(wire.SymbolEntry)
_decode_rows = decoder(list[msgspec.Raw])
_decode_row = decoder(wire.KlineRow)

_DEPTH_WEIGHTS = ((100, 5), (500, 25), (1000, 50), (5000, 250))
_SYMBOLS_AT_ONCE = 100
"""Of one request for their status: they all stand in its address."""


class BinanceExchange:
    """Books from ``<symbol>@depth@100ms`` and a REST snapshot, trades from ``<symbol>@trade``."""

    name: ClassVar[str] = "binance"
    integrity: ClassVar[Integrity] = Integrity.SEQUENCE
    needs_rest_snapshot: ClassVar[bool] = True
    refresh_s: ClassVar[int] = 0
    limits: ClassVar[RequestLimits] = RequestLimits(
        messages_per_second=4,  # the limit is 5, pongs count
        symbols_per_connection=100,
        symbols_per_request=50,
        connect_attempts=300,
        connect_window_s=300,
        rest_weight_per_minute=6000,
    )
    heartbeat: ClassVar[Liveness] = Liveness(silence_s=20, beat_s=2)
    klines: ClassVar[KlineRules] = KlineRules(
        native={one: one.value for one in Interval if one is not Interval.D3},  # whose phase is its own
        max_rows=1000,
        pages=True,
    )
    depths: ClassVar[tuple[int, ...]] = (100, 500, 1000, 5000)

    def __init__(self, *, ws_url: str = "", rest_url: str = "", depth: int = 0) -> None:
        self._ws_url = ws_url or "wss://stream.binance.com:9443"
        self._rest_url = rest_url or "https://api.binance.com"
        self._snapshot_depth = next((one for one in self.depths if one >= (depth or 1000)), 5000)
        self._symbols: dict[str, str] = {}
        self.book_depth = 0

    @property
    def ws_url(self) -> str:
        """The combined stream."""
        base = self._ws_url.rstrip("/")
        return base if base.endswith("/stream") else f"{base}/stream"

    @property
    def rest_url(self) -> str:
        """Base of ``/api/v3``."""
        return self._rest_url.rstrip("/")

    def learn(self, instruments: Iterable[Instrument]) -> None:
        """Replace the mapping of symbols."""
        self._symbols = {one.native: one.id.symbol for one in instruments}

    def subscribe(self, instruments: Sequence[Instrument], *, first_id: int) -> Sequence[WsRequest]:
        """One request for all streams of up to ``symbols_per_request`` instruments."""
        return (_request("SUBSCRIBE", instruments, first_id),) if instruments else ()

    def unsubscribe(self, instruments: Sequence[Instrument], *, first_id: int) -> Sequence[WsRequest]:
        """One request for all streams."""
        return (_request("UNSUBSCRIBE", instruments, first_id),) if instruments else ()

    def resubscribe(self, instrument: Instrument, *, first_id: int) -> Sequence[WsRequest]:
        """Nothing: a new REST snapshot is enough."""
        return ()

    def canary(self, *, first_id: int) -> Sequence[WsRequest]:
        """One candle of the busiest pair every two seconds."""
        return (WsRequest(request_id=first_id, text=_text("SUBSCRIBE", ["btcusdt@kline_1m"], first_id)),)

    def ping(self, request_id: int) -> str:
        """Never sent: the server pings on the WebSocket level."""
        return _text("LIST_SUBSCRIPTIONS", [], request_id)

    def decode(self, raw: bytes | str) -> Sequence[MarketEvent]:
        """Translate one frame."""
        change = scan(raw, self._symbols)
        return mapper.to_events(raw, self._symbols) if change is None else (change,)

    def new_sequencer(self, instrument: Instrument) -> BinanceSequencer:
        """Build the update-id rule."""
        return BinanceSequencer()

    def instruments_request(self) -> HttpRequest:
        """All symbols."""
        return HttpRequest(path="/api/v3/exchangeInfo", weight=20)

    def parse_instruments(self, body: bytes) -> Entries[Instrument]:
        """Read ``exchangeInfo``."""

        def read(raw: msgspec.Raw) -> Instrument:
            return mapper.to_instrument(_decode_entry(bytes(raw)), self.name)

        return read_each(_decode_info(body).symbols, read, name=named_by("symbol"))

    def status_requests(self, instruments: Sequence[Instrument]) -> Sequence[HttpRequest]:
        """The same for some symbols only: no stream tells when one stops trading."""
        natives = [one.native for one in instruments]
        return [
            HttpRequest(
                path="/api/v3/exchangeInfo",
                params={"symbols": msgspec.json.encode(natives[at : at + _SYMBOLS_AT_ONCE]).decode()},
                weight=20,
            )
            for at in range(0, len(natives), _SYMBOLS_AT_ONCE)
        ]

    def refusal(self, status: int, body: bytes) -> Refusal:
        """Read an answer other than 200."""
        return refusals.of_http(status, body)

    def klines_request(self, instrument: Instrument, page: Page) -> HttpRequest:
        """One page; without a start the newest rows up to the end."""
        params = {"symbol": instrument.native, "interval": page.native_interval, "limit": str(page.limit)}
        if page.start is not None:
            params["startTime"] = str(-(-page.start // MILLISECOND))
        if page.end is not None:
            params["endTime"] = str(page.end // MILLISECOND)
        return HttpRequest(path="/api/v3/klines", params=params, weight=2)

    def parse_klines(self, body: bytes, native_interval: str) -> Entries[Candle]:
        """Read rows of 12 fields."""

        def read(raw: msgspec.Raw) -> Candle:
            return mapper.to_candle(_decode_row(bytes(raw)))

        return read_each(_decode_rows(body), read, name=row_name)

    def depth_request(self, instrument: Instrument) -> HttpRequest:
        """The book, ``depth`` levels a side."""
        depth = self._snapshot_depth
        weight = next(cost for levels, cost in _DEPTH_WEIGHTS if depth <= levels)
        return HttpRequest(
            path="/api/v3/depth", params={"symbol": instrument.native, "limit": str(depth)}, weight=weight
        )

    def parse_depth(self, body: bytes, instrument: Instrument) -> BookSnapshot:
        """Read the book."""
        return mapper.to_snapshot(_decode_depth(body), instrument.id.symbol)


def _request(method: str, instruments: Sequence[Instrument], request_id: int) -> WsRequest:
    streams = [f"{one.native.lower()}@{kind}" for one in instruments for kind in ("depth@100ms", "trade")]
    symbols = tuple(one.id.symbol for one in instruments)
    return WsRequest(request_id=request_id, text=_text(method, streams, request_id), symbols=symbols)


def _text(method: str, params: list[str], request_id: int) -> str:
    request = wire.SubscribeRequest(method=method, params=params, id=request_id)
    return msgspec.json.encode(request).decode()
